import PortModel

extension Change {
    /// One of each kind that has a line.
    static let blanks = [
        Kind.opened, .established, .closed(timeWait: false, lived: nil, error: nil), .released,
    ].map {
        Change($0, of: .blank)
    }

    mutating func fields(_ v: inout some FieldVisitor) {
        let isOpen = if case .opened = kind { true } else { false }
        tuple.fields(&v)
        v.field(
            "local_port", &localPort, .port(), unless: 0, isRequired: !isOpen,
            isOpen
                ? "Port that the program bound itself. Absent otherwise: none is chosen yet."
                : "Local port of the connection.")
        process.fieldsIfKnown(&v)
        if isOpen { process.userField(&v) }
        v.field("held", &held, .count, PortUsage.heldText)
        v.field("usable", &usable, .count, PortUsage.usableText)
        guard case .closed(var timeWait, var lived, var error) = kind else { return }
        v.field(
            "time_wait", &timeWait, .flag,
            "True: the port stays held until a `release` follows. False: it is free, unless the "
                + "program's own bind keeps it: then a `release` follows as well.")
        v.optional(
            "lived_us", &lived, .microseconds, "Microseconds since connect(). Absent if unknown.")
        v.optional(
            "error", &error, Errno(), "Errno if never established; ECANCELED: the program gave up.")
        if v.reads { kind = .closed(timeWait: timeWait, lived: lived, error: error) }
    }
}

extension Change.Kind {
    /// As `event` has it; empty where there is no line.
    var name: StaticString {
        switch self {
        case .opened: "open"
        case .established: "established"
        case .closed: "close"
        case .released: "release"
        case .connecting, .failed: ""
        }
    }

    var what: String {
        switch self {
        case .opened: "connect() has begun. It holds no port yet."
        case .established: "The handshake is done."
        case .closed: "The socket is closed. Its port need not be free yet: see `time_wait`."
        case .released: "The port is free again, after its TIME_WAIT or the bind that kept it."
        case .connecting, .failed: ""
        }
    }
}

extension ProcessID {
    mutating func userField(_ v: inout some FieldVisitor) {
        v.field(
            "uid", &uid, .integer(0, to: Int(Self.noUser) - 1), unless: Self.noUser,
            "User who called, as the first user namespace numbers it. Absent when unknown.")
    }
}
