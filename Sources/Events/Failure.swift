import PortModel

extension Failure {
    /// One of each call.
    static let blanks = PortScope.blanks.map {
        Failure(
            FailedCall(scope: $0, process: .unknown, cause: .exhausted), time: 0,
            usage: PortUsage(usable: 0))
    }

    var what: String {
        switch call.kind {
        case .connect:
            "connect() failed for want of a port, an address or memory; repeated once a second."
        case .bind:
            "bind() of a TCP socket failed for want of a port or an address; repeated once a second."
        }
    }

    mutating func fields(_ v: inout some FieldVisitor) {
        call.kindField(&v)
        let isConnect = call.kind == .connect
        let errnos = isConnect ? ["EADDRNOTAVAIL", "ENOMEM"] : ["EADDRINUSE", "EADDRNOTAVAIL"]
        v.derived("errno", call.errnoName, Text(names: errnos), "What it returned.")
        call.causeField(&v)
        call.process.fieldsIfKnown(&v)
        call.process.userField(&v)
        call.scope.fieldsOfKind(&v, local: FailedCall.localText)
        call.portField(&v)
        if isConnect { usage.fields(&v) } else { usage.poolFields(&v) }
        limitFields(&v)
        if isConnect {
            v.field("held_by", &heldBy, .states, unless: [:], Self.heldByText)
            v.optional(
                "search_us", &search, .microseconds,
                "Microseconds that the kernel searched, the last time. Absent if it did not.")
        }
        v.field("count", &count, .integer(1), "Failures since the last report of their kind.")
        v.field(
            "processes", &processes, .integer(2), unless: 1,
            "Distinct processes of that name, `pid` the last. Absent if 1. "
                + Callers.NameShare.moreText)
        if !isConnect {
            v.field(
                "inferred", &isInferred, .flag, unless: false,
                "`true` where nothing saw the call return: it came back without a port, and its "
                    + "errno is the one that explains that.")
        }
    }

    static var heldByText: String {
        "How many of the ports are held in which TCP state, by the kernel's table. Absent if not looked "
            + "at. A TIME_WAIT object that stands for FIN_WAIT2 counts as FIN_WAIT2."
    }

    private mutating func limitFields(_ v: inout some FieldVisitor) {
        var (range, reserved, bound) = (limit?.range, limit?.reserved, limit?.bound)
        v.optional("range", &range, Ends(), PortRange.text)
        v.optional("reserved", &reserved, .count, "Ports of `range` that are reserved.")
        v.optional("bound", &bound, .count, PortRange.boundText)
        if v.reads {
            guard let range, let reserved, let bound else { return }
            limit = Limit(range: range, reserved: reserved, bound: bound)
        }
        guard call.kind == .connect else { return }
        var holders = limit?.holders ?? []
        v.field(
            "holders", &holders, .objects(least: 1, most: 3), unless: [],
            "The processes, at most three, that hold most of `bound`. Only if `blocked`.")
        if v.reads { limit?.holders = holders }
    }
}

extension Failure.Holder: FieldGroup {
    package static let blanks = [Failure.Holder(process: .unknown, ports: 0)]
    package var definition: String { "holder" }
    package var what: String { "A process that holds ports by bind()." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        process.fields(&v)
        v.field("ports", &ports, .integer(1), "How many of `bound` it holds.")
    }
}

extension FailedCall {
    /// As the program got it. Of one that was not reported, what it nearly always is.
    package var errnoName: String {
        if cause == .noMemory { return "ENOMEM" }
        return kind == .connect || cause == .noAddress ? "EADDRNOTAVAIL" : "EADDRINUSE"
    }

    static var localText: String {
        "Local address, written as `remote` is; `0.0.0.0` or `::` where none was found."
    }

    package var causeName: String { cause?.rawValue ?? "-" }

    mutating func kindField(_ v: inout some FieldVisitor) {
        var kind = kind
        v.field("call", &kind, .tag(), "The call that failed.")
        if v.reads { scope = PortScope.blanks[kind == .connect ? 0 : 1] }
    }

    mutating func causeField(_ v: inout some FieldVisitor) {
        let isConnect = kind == .connect
        v.field(
            "cause", &cause, isConnect ? .cause : .bindCause,
            isConnect
                ? "The limit that connect() ran into. `exhausted`: the tuple holds the ports. "
                    + "`blocked`: most of the range is reserved, or held by a bind(). `range`: the "
                    + "socket's own range is used up, the namespace's is not. Other errors: "
                    + "`collision`: the port that the program bound has a connection to that peer. "
                    + "`no_address`: no usable local address. `no_memory`: the kernel had none."
                : "`exhausted`: of the local address, bind() found no port that is free. "
                    + "`collision`: the port that the program named is in use. "
                    + "`no_address`: the local address is not there.")
    }

    mutating func portField(_ v: inout some FieldVisitor) {
        let isConnect = kind == .connect
        v.field(
            "local_port", &localPort, .port(), unless: 0,
            isConnect
                ? "Only where the program bound this port, which has a connection to that peer."
                : "The port that the program asked for. Absent if it left that to the kernel.")
    }
}

extension FailedCall.Kind: Kind {
    package static let blanks: [FailedCall.Kind] = [.connect, .bind]

    package var name: StaticString { self == .connect ? "connect" : "bind" }
}
