import PortModel

/// A line lacks what such an event has, or has something else in its place.
struct Unreadable: Error {}

/// Reads the fields of the events of one recording. What namespaces and errors are called gets a number
/// of its own in each.
struct EventReader: Sendable {
    typealias Node = JSONDocument.Node

    private(set) var document = JSONDocument()
    private var namespaces = NameTable()
    private var errors = NameTable()
    /// The namespace of the last event, which is mostly that of the next one, too.
    private var lastNamespace: (name: [UInt8], number: UInt32)?

    /// Greater numbers, and those below its negative, are refused: no count comes near.
    static let greatest = 1 << 52

    static let root = JSONDocument.root

    /// - Returns: false if it is no JSON object.
    mutating func load(_ line: ArraySlice<UInt8>) -> Bool { document.load(line) }

    /// Another recording begins.
    mutating func forgetNames() {
        namespaces = NameTable()
        errors = NameTable()
        lastNamespace = nil
    }

    /// What to call namespaces and errors.
    var namespaceNames: [UInt32: String] { namespaces.names }
    var errorNames: [UInt32: String] { errors.names }

    // MARK: Values

    /// The value of that name; nil if it is absent or null.
    mutating func optional(_ name: StaticString, in object: Node) -> Node? {
        guard let node = document.find(name, in: object), document.kind(of: node) != .null else {
            return nil
        }
        return node
    }

    mutating func node(
        _ name: StaticString, in object: Node, _ kind: JSONDocument.Kind
    ) throws(Unreadable) -> Node {
        guard let node = document.find(name, in: object), document.kind(of: node) == kind else {
            throw Unreadable()
        }
        return node
    }

    /// - Parameter object: whose value it is.
    mutating func int(
        _ name: StaticString, in object: Node, from least: Int = 0, to most: Int = greatest
    ) throws(Unreadable) -> Int {
        guard let node = document.find(name, in: object) else { throw Unreadable() }
        return try int(node, from: least, to: most)
    }

    mutating func optionalInt(
        _ name: StaticString, in object: Node, to most: Int = greatest
    ) throws(Unreadable) -> Int? {
        guard let node = optional(name, in: object) else { return nil }
        return try int(node, to: most)
    }

    func int(
        _ node: Node, from least: Int = 0, to most: Int = greatest
    ) throws(Unreadable) -> Int {
        guard document.kind(of: node) == .number else { throw Unreadable() }
        var value = 0
        var isNegative = false
        for place in document.bytes(of: node) {
            let byte = document.text[place]
            if byte == UInt8(ascii: "-") {
                isNegative = true
                continue
            }
            // 1.0 and 1e3 are whole numbers as well, but nobody writes ours like that.
            guard byte &- UInt8(ascii: "0") < 10, value < Self.greatest else { throw Unreadable() }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        if isNegative { value = -value }
        guard least <= value, value <= most else { throw Unreadable() }
        return value
    }

    mutating func double(_ name: StaticString, in object: Node) throws(Unreadable) -> Double {
        guard let value = try optionalDouble(name, in: object) else { throw Unreadable() }
        return value
    }

    mutating func optionalDouble(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> Double? {
        guard let node = optional(name, in: object) else { return nil }
        guard document.kind(of: node) == .number,
            let value = Double(document.string(node)), abs(value) <= 1e15
        else { throw Unreadable() }
        return value
    }

    mutating func bool(_ name: StaticString, in object: Node) throws(Unreadable) -> Bool {
        guard let node = document.find(name, in: object) else { throw Unreadable() }
        switch document.kind(of: node) {
        case .yes: return true
        case .no: return false
        default: throw Unreadable()
        }
    }

    mutating func string(_ name: StaticString, in object: Node) throws(Unreadable) -> String {
        guard let node = document.find(name, in: object) else { throw Unreadable() }
        return try string(node)
    }

    func string(_ node: Node) throws(Unreadable) -> String {
        switch document.kind(of: node) {
        case .string, .escapedString: return document.string(node)
        default: throw Unreadable()
        }
    }

    /// Nanoseconds since 1970.
    mutating func time(_ name: StaticString, in object: Node) throws(Unreadable) -> UInt64 {
        let node = try node(name, in: object, .string)
        guard let time = Timestamps.read(document.text[document.bytes(of: node)]) else {
            throw Unreadable()
        }
        return time
    }

    mutating func optionalTime(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> UInt64? {
        optional(name, in: object) == nil ? nil : try time(name, in: object)
    }

    /// What `body` makes of each item.
    mutating func array<Element>(
        _ name: StaticString, in object: Node,
        _ body: (inout EventReader, Node) throws(Unreadable) -> Element
    ) throws(Unreadable) -> [Element] {
        let array = try node(name, in: object, .array)
        var elements: [Element] = []
        for item in document.items(of: array) { elements.append(try body(&self, item)) }
        return elements
    }

    /// Like `array`, of objects.
    mutating func objects<Element>(
        _ name: StaticString, in object: Node,
        _ body: (inout EventReader, Node) throws(Unreadable) -> Element
    ) throws(Unreadable) -> [Element] {
        try array(name, in: object) { reader, node throws(Unreadable) in
            guard reader.document.kind(of: node) == .object else { throw Unreadable() }
            return try body(&reader, node)
        }
    }

    /// An object of counts by name.
    mutating func counts(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> [(name: String, count: Int)] {
        let counts = try node(name, in: object, .object)
        var all: [(name: String, count: Int)] = []
        for (name, value) in document.fields(of: counts) {
            all.append((try string(name), try int(value)))
        }
        return all
    }

    /// Whether the string of that name is `text`.
    mutating func has(_ name: StaticString, _ text: StaticString, in object: Node) -> Bool {
        guard let node = document.find(name, in: object), document.kind(of: node) == .string
        else { return false }
        return document.isEqual(node, text)
    }

    // MARK: Names

    mutating func netns(in object: Node) throws(Unreadable) -> UInt32 {
        guard let node = document.find("netns", in: object) else { throw Unreadable() }
        let bytes = document.text[document.bytes(of: node)]
        if let lastNamespace, document.kind(of: node) == .string,
            lastNamespace.name.elementsEqual(bytes)
        {
            return lastNamespace.number
        }
        guard let number = namespaces.number(of: try string(node)) else { throw Unreadable() }
        if document.kind(of: node) == .string { lastNamespace = (Array(bytes), number) }
        return number
    }

    mutating func errno(_ name: String) throws(Unreadable) -> UInt16 {
        guard let number = errors.number(of: name), let errno = UInt16(exactly: number) else {
            throw Unreadable()
        }
        return errno
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
