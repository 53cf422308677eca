import PortModel

extension Tuple {
    static let blank = Tuple(
        netns: 0, local: IPAddress(v4: 0), remote: IPAddress(v4: 0), remotePort: 0)

    package mutating func fields(
        _ v: inout some FieldVisitor, local what: @autoclosure () -> String = localText
    ) {
        v.field("netns", &netns, .namespace, "Network namespace of the connection.")
        addresses(&v, local: what())
    }

    mutating func addresses(
        _ v: inout some FieldVisitor, local what: @autoclosure () -> String = localText
    ) {
        var named = networkDevice
        v.optional(
            "device", &named, .device,
            "Device that the socket is bound to, as one with a link-local peer is: ports taken "
                + "through others are none of these. Absent if none.")
        if v.reads { device = named?.index ?? 0 }
        v.field("local", &local, Address(), what())
        v.field("remote", &remote, Address(), "Peer's address: " + Address.look)
        v.field("remote_port", &remotePort, .port(0), "Peer's port; 0 only if the program said so.")
    }

    package static var localText: String {
        "Local address of the connection, written as `remote` is."
    }
}

extension BindPool.Key {
    static let blank = BindPool.Key(netns: 0, local: IPAddress(v4: 0))

    package mutating func fields(
        _ v: inout some FieldVisitor,
        local what: @autoclosure () -> String =
            "Local address bound to; `0.0.0.0` and `::` stand for all. IPv4 over v6 is written as IPv4."
    ) {
        v.field("netns", &netns, .namespace, "Network namespace of the address.")
        v.field("local", &local, Address(), what())
    }
}

extension PortScope {
    /// One of each kind.
    package static let blanks = [PortScope.tuple(.blank), .bindPool(.blank)]

    /// Only a tuple has a `remote`, by which the kind is known.
    package mutating func fields(_ v: inout some FieldVisitor) {
        if let isTuple = v.has("remote") { self = Self.blanks[isTuple ? 0 : 1] }
        fieldsOfKind(&v)
    }

    /// The fields where another one has said of which kind it is.
    mutating func fieldsOfKind(
        _ v: inout some FieldVisitor, local what: @autoclosure () -> String = Tuple.localText
    ) {
        switch self {
        case .tuple(var tuple):
            tuple.fields(&v, local: what())
            self = .tuple(tuple)
        case .bindPool(var key):
            key.fields(&v)
            self = .bindPool(key)
        }
    }
}

extension PortUsage {
    package mutating func fields(
        _ v: inout some FieldVisitor, held what: @autoclosure () -> String = heldText
    ) {
        v.field("held", &held, .count, what())
        v.field(
            "others", &others, .count, unless: 0,
            "How many of `held` are of processes that the filter does not choose. Absent if none.")
        waiting(&v, of: "held")
        if v.reads { outsidePool = max(0, outsidePool) }
    }

    /// All but `held`, whose field is called `name`: unread, `outsidePool` is too little by so much.
    mutating func waiting(_ v: inout some FieldVisitor, of name: @autoclosure () -> String) {
        v.field("time_wait", &timeWait, .count, "How many of `\(name())` are in TIME_WAIT.")
        v.field("reusable", &reusable, .count, "Those that `tcp_tw_reuse` frees.")
        v.field("usable", &usable, .count, Self.usableText)
        left(&v, "Ports that a connect() would find: `usable`, less the held, plus the `reusable`.")
    }

    /// Of a pool that bind() chooses from: of its ports in TIME_WAIT, it may use none again.
    mutating func poolFields(_ v: inout some FieldVisitor) {
        v.field("held", &held, .count, Self.poolHeldText)
        v.field("usable", &usable, .count, Self.poolUsableText)
        left(&v, "`usable` less `held`.")
        if v.reads { outsidePool = max(0, outsidePool) }
    }

    private mutating func left(_ v: inout some FieldVisitor, _ what: @autoclosure () -> String) {
        var left = available
        v.field("available", &left, .count, what())
        if v.reads { outsidePool = left - usable + held - reusable }
    }

    package static var heldText: String {
        "Ports of the tuple (netns, local, remote, remote_port) just after this, with TIME_WAITs."
    }

    package static var usableText: String {
        "Ports that connect() may choose from: the range in force, less those reserved or held by any "
            + "bind(). `held` may be greater: programs bind ports, ranges are narrowed."
    }

    static var poolHeldText: String {
        "Ports of the range held by sockets of that address, or of all addresses, with TIME_WAITs."
    }

    static var poolUsableText: String {
        "Ports that a bind() may choose from: the range, less the reserved ones."
    }
}

extension ProcessID: FieldGroup {
    /// What is not known is left out.
    package mutating func fieldsIfKnown(_ v: inout some FieldVisitor) {
        v.field(
            "pid", &pid, .pid(1), unless: 0,
            "Calling process (thread group), in the first pid namespace. Absent if unknown.")
        v.field(
            "comm", &name, ProcessName(least: 1), unless: ProcessID.Name(),
            "Its name, at most 15 bytes; invalid UTF-8 becomes U+FFFD. Absent if unknown.")
    }

    package static let blanks = [ProcessID.unknown]
    package var definition: String { "process" }
    package var what: String { "A process that called connect()." }

    package mutating func fields(_ v: inout some FieldVisitor) { fields(&v, least: 0) }

    /// - Parameter least: 1 if it is always known.
    mutating func fields(_ v: inout some FieldVisitor, least: Int) {
        v.field("pid", &pid, .pid(least), "Its id in the first pid namespace; 0 if unknown.")
        v.field(
            "comm", &name, ProcessName(least: least),
            "Its name, at most 15 bytes, maybe none; invalid UTF-8 becomes U+FFFD.")
    }
}

extension Format where Self == Integer<UInt32> {
    fileprivate static func pid(_ least: Int) -> Self {
        Integer(least: least, most: Int(UInt32.max))
    }
}
