import PortModel

/// A line lacks what such an event has, or has something else in its place.
struct Unreadable: Error {}

/// Reads the fields of the events of one recording. What namespaces and errors are called gets a number
/// of its own in each.
struct EventReader: Sendable {
    typealias Node = JSONDocument.Node

    private var document = JSONDocument()
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

    // MARK: Words of the domain

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

    mutating func address(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> IPAddress {
        let node = try node(name, in: object, .string)
        guard let address = IPAddress(text: document.text[document.bytes(of: node)]) else {
            throw Unreadable()
        }
        return address
    }

    mutating func tuple(in object: Node) throws(Unreadable) -> Tuple {
        Tuple(
            netns: try netns(in: object), local: try address("local", in: object),
            remote: try address("remote", in: object),
            remotePort: UInt16(try int("remote_port", in: object, to: 65_535)))
    }

    mutating func bindPool(in object: Node) throws(Unreadable) -> BindPool.Key {
        BindPool.Key(netns: try netns(in: object), local: try address("local", in: object))
    }

    /// A tuple, or what has no peer.
    mutating func subject(in object: Node) throws(Unreadable) -> Alert.Subject {
        optional("remote", in: object) == nil
            ? .bindPool(try bindPool(in: object)) : .tuple(try tuple(in: object))
    }

    mutating func process(in object: Node) throws(Unreadable) -> Process {
        var process = Process.unknown
        if let pid = try optionalInt("pid", in: object, to: Int(UInt32.max)) {
            process.pid = UInt32(pid)
        }
        if let name = optional("comm", in: object) {
            process.name = Process.Name(try string(name))
        }
        return process
    }

    /// - Parameter held: where it does not stand beside the others.
    mutating func standing(
        in object: Node, held: Int? = nil
    ) throws(Unreadable) -> Standing {
        var standing = Standing(usable: 0)
        standing.held = if let held { held } else { try int("held", in: object) }
        standing.timeWait = try optionalInt("time_wait", in: object) ?? 0
        standing.reusable = try optionalInt("reusable", in: object) ?? 0
        standing.usable = try int("usable", in: object)
        let available = try optionalInt("available", in: object)
        if let available {
            standing.elsewhere = max(
                0, available - standing.usable + standing.held - standing.reusable)
        }
        return standing
    }

    mutating func range(
        _ name: StaticString = "range", in object: Node
    ) throws(Unreadable) -> PortRange {
        let ends = try array(name, in: object) { reader, node throws(Unreadable) in
            UInt16(try reader.int(node, to: 65_535))
        }
        guard ends.count == 2 else { throw Unreadable() }
        return PortRange(low: ends[0], high: ends[1])
    }

    /// A tick.
    mutating func second() throws(Unreadable) -> RunCollector.Second {
        let root = Self.root
        let tuple = try tuple(in: root)
        let standing = try standing(in: root)
        var since = TupleAccount.Totals()
        since.opened = try int("opened", in: root, from: -Self.greatest)
        since.closed = try int("closed", in: root)
        since.failed = try int("failed", in: root)
        let search = try optionalInt("search_us", in: root) ?? 0
        return RunCollector.Second(
            tuple: tuple, standing: standing, since: since, search: UInt64(search) * 1000)
    }

    /// What a report has of an alert.
    mutating func alert(at time: UInt64) throws(Unreadable) -> Alert {
        let root = Self.root
        let level = try int("level", in: root, to: 100)
        var alert = Alert(
            level: level, time: time, subject: try subject(in: root),
            standing: try standing(in: root))
        if let node = optional("forecast", in: root), document.kind(of: node) == .object {
            alert.forecast = Forecast(
                opensPerSecond: try double("rate", in: node),
                netPerSecond: try double("net_rate", in: node),
                exhaustedIn: try optionalDouble("exhausted_in_s", in: node),
                levelsOffAt: try optionalInt("levels_off_at", in: node),
                usable: alert.standing.usable,
                sustainable: try optionalDouble("sustainable_rate", in: node),
                intoTimeWait: try optionalDouble("into_time_wait", in: node))
        }
        return alert
    }

    mutating func call(in object: Node) throws(Unreadable) -> Record.Call {
        guard let call = Record.Call(rawValue: try string("call", in: object)) else {
            throw Unreadable()
        }
        return call
    }

    mutating func cause(in object: Node) throws(Unreadable) -> Cause {
        guard let cause = Cause(rawValue: try string("cause", in: object)) else {
            throw Unreadable()
        }
        return cause
    }
}

/// Numbers for names, in the order in which they come.
private struct NameTable: Sendable {
    private var numbers: [String: UInt32] = [:]
    private(set) var names: [UInt32: String] = [:]

    private static let limit = 1 << 17

    /// Nil when there are too many.
    mutating func number(of name: String) -> UInt32? {
        if let number = numbers[name] { return number }
        guard numbers.count < Self.limit else { return nil }
        let number = UInt32(numbers.count + 1)
        numbers[name] = number
        names[number] = name
        return number
    }
}
