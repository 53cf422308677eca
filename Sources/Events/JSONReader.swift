import PortModel

/// Reads the events of recordings, and numbers the names of namespaces and errors in each. An event
/// is given up with the first field that is missing or wrong.
package struct JSONReader: FieldVisitor, Sendable {
    private(set) var document = JSONDocument()
    /// The object whose fields are read.
    private var object = JSONDocument.root
    private var isUnreadable = false

    private var namespaces = NameTable()
    private var errors = NameTable()
    private var devices = NameTable()
    package private(set) var deviceNames: [NetworkDevice: String] = [:]
    /// The namespace of the last event, which is mostly that of the next one, too.
    private var lastNamespace: (name: [UInt8], number: UInt32)?

    /// Greater numbers, and those below its negative, are refused: no count comes near.
    static let greatest = 1 << 52

    package init() {}

    package enum Line {
        case event(Event, at: UInt64)
        /// A later version wrote it, which readers of this one cannot read.
        case newer(version: String)
        /// An event of a kind that this version does not know.
        case unknown
        /// No event, or it lacks what such an event has.
        case unreadable
    }

    /// Reads one line, without its newline.
    package mutating func read(_ line: ArraySlice<UInt8>) -> Line {
        guard document.load(line),
            let kind = document.find("event", in: JSONDocument.root), string(kind) != nil
        else { return .unreadable }
        guard let place = Event.blankNames.firstIndex(where: { has(kind, $0) }) else {
            return .unknown
        }
        if place == 0, let node = document.find("format", in: JSONDocument.root),
            let format = integer(node, from: 0, to: Self.greatest),
            format > Event.Start.currentFormat
        {
            let version = document.find("version", in: JSONDocument.root)
            return .newer(version: version.flatMap { string($0) } ?? "")
        }
        (object, isUnreadable) = (JSONDocument.root, false)
        var event = TimedEvent(Event.blanks[place], at: 0)
        event.fields(&self)
        return isUnreadable ? .unreadable : .event(event.event, at: event.time)
    }

    /// Another recording begins.
    package mutating func forgetNames() {
        namespaces = NameTable()
        errors = NameTable()
        devices = NameTable()
        deviceNames = [:]
        lastNamespace = nil
    }

    /// What to call namespaces and errors.
    package var namespaceNames: [UInt32: String] { namespaces.names }
    package var errorNames: [UInt32: String] { errors.names }

    // MARK: Fields

    package var reads: Bool { true }

    package mutating func field<F: Format>(
        _ name: StaticString, _ value: inout F.Value, _ format: F, _ what: @autoclosure () -> String
    ) {
        guard !isUnreadable else { return }
        guard let node = document.find(name, in: object), let there = format.read(node, &self)
        else {
            isUnreadable = true
            return
        }
        value = there
    }

    /// Null is as good as absent.
    package mutating func optional<F: Format>(
        _ name: StaticString, _ value: inout F.Value?, _ format: F, isRequired: Bool,
        _ what: @autoclosure () -> String
    ) {
        guard !isUnreadable else { return }
        value = nil
        guard let node = document.find(name, in: object), document.kind(of: node) != .null else {
            return
        }
        value = format.read(node, &self)
        isUnreadable = value == nil
    }

    package mutating func has(_ name: StaticString) -> Bool? {
        document.find(name, in: object).map { document.kind(of: $0) != .null } ?? false
    }

    mutating func object<T: FieldGroup>(_ node: JSONDocument.Node, as type: T.Type) -> T? {
        guard document.kind(of: node) == .object else { return nil }
        let outer = object
        object = node
        var value = T.blanks[0]
        value.fields(&self)
        object = outer
        return isUnreadable ? nil : value
    }

    // MARK: Values

    func integer(_ node: JSONDocument.Node, from least: Int, to most: Int) -> Int? {
        guard document.kind(of: node) == .number else { return nil }
        var value = 0
        var isNegative = false
        for place in document.bytes(of: node) {
            let byte = document.text[place]
            if byte == UInt8(ascii: "-") {
                isNegative = true
                continue
            }
            // 1.0 and 1e3 are whole numbers as well, but nobody writes ours like that.
            guard byte &- UInt8(ascii: "0") < 10, value < Self.greatest else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        if isNegative { value = -value }
        return least <= value && value <= most ? value : nil
    }

    func double(_ node: JSONDocument.Node) -> Double? {
        guard document.kind(of: node) == .number else { return nil }
        return Double(document.string(node)).flatMap { abs($0) <= 1e15 ? $0 : nil }
    }

    func string(_ node: JSONDocument.Node) -> String? {
        switch document.kind(of: node) {
        case .string, .escapedString: document.string(node)
        default: nil
        }
    }

    /// The bytes of a string without escapes.
    func bytes(_ node: JSONDocument.Node) -> ArraySlice<UInt8>? {
        document.kind(of: node) == .string ? document.text[document.bytes(of: node)] : nil
    }

    /// Whether it is that text.
    func has(_ node: JSONDocument.Node, _ text: StaticString) -> Bool {
        document.kind(of: node) == .string && document.isEqual(node, text)
    }

    /// An object of counts by their names.
    mutating func counts<Key: Format>(
        _ node: JSONDocument.Node, _ key: Key
    ) -> [Key.Value: Int]? {
        guard document.kind(of: node) == .object else { return nil }
        var counts: [Key.Value: Int] = [:]
        for name in document.items(of: node) {
            // What follows a name is its value.
            guard let key = key.read(name, &self),
                let count = integer(name + 1, from: 0, to: Self.greatest)
            else { return nil }
            counts[key] = count
        }
        return counts
    }

    // MARK: Names

    mutating func namespace(_ node: JSONDocument.Node) -> UInt32? {
        if let lastNamespace, let bytes = bytes(node), lastNamespace.name.elementsEqual(bytes) {
            return lastNamespace.number
        }
        guard let name = string(node), let number = namespaces.number(of: name) else { return nil }
        // One with escapes is never found by its bytes.
        lastNamespace = (bytes(node).map(Array.init) ?? [], number)
        return number
    }

    /// The device of that name, in the namespace that was read last.
    mutating func device(_ name: String) -> NetworkDevice? {
        guard let index = devices.number(of: name) else { return nil }
        let device = NetworkDevice(netns: lastNamespace?.number ?? 0, index: index)
        deviceNames[device] = name
        return device
    }

    mutating func errno(_ name: String) -> UInt16? {
        errors.number(of: name).flatMap { UInt16(exactly: $0) }
    }
}

/// Numbers for names, in the order in which they come.
private struct NameTable: Sendable {
    private var numbers: [String: UInt32] = [:]
    private(set) var names: [UInt32: String] = [:]

    private static let limit = 1 << 17
    /// Of a name, in bytes.
    private static let longest = 1024

    /// Nil when there are too many, or it is too long.
    mutating func number(of name: String) -> UInt32? {
        if let number = numbers[name] { return number }
        guard numbers.count < Self.limit, name.utf8.count <= Self.longest else { return nil }
        let number = UInt32(numbers.count + 1)
        numbers[name] = number
        names[number] = name
        return number
    }
}
