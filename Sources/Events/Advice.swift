import PortModel

extension Advice: FieldGroup {
    package static let blanks = Kind.blanks.map { kind in
        let isOfPool = if case .bindNoPort = kind { true } else { false }
        var advice = Advice(kind, for: PortScope.blanks[isOfPool ? 1 : 0])
        if !isOfPool { advice.demand = Demand(rate: 0, ports: nil) }
        return advice
    }
    package var definition: String { "advice" }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("kind", &kind, .tag(), "The kind of this advice.")
        scope.fields(&v)
        let isOfPool = scope.tuple == nil
        v.field(
            "top_process", &process, .object(), unless: .unknown,
            "The process with the most \(isOfPool ? "binds" : "connects"). Absent when unknown.")
        v.field("failed", &failed, .count, "\(isOfPool ? "bind() calls" : "Connects") that failed.")
        v.field("peak", &peak, .count, "Ports held at the peak.")
        v.field(
            "usable", &usable, .count,
            isOfPool ? "Ports of the range that bind() may choose." : PortUsage.usableText)
        demandFields(&v)
        kind.fields(&v)
        if let setting {
            v.derived("setting", setting, .text, "The command or the call that does it.")
        }
        v.field("others", &others, .count, "How many more it would help.")
    }

    private mutating func demandFields(_ v: inout some FieldVisitor) {
        if let isThere = v.has("rate_per_s") {
            demand = isThere ? Demand(rate: 0, ports: nil) : nil
        }
        if var demand {
            v.field(
                "rate_per_s", &demand.rate, .tenths(),
                "Opened a second, in the busiest second without a port, else on average.")
            v.optional(
                "needed", &demand.ports, .count,
                "Ports that this rate takes, with TIME_WAITs. Absent if too few were closed.")
            self.demand = demand
        }
        guard let isCertain = kind.row.isJudged else { return }
        var percent = covers.map { ($0 * 1000).rounded(.down) / 10 }
        v.optional(
            "covers_percent", &percent, .tenths(to: 100), isRequired: isCertain,
            "Part of the demand that this alone would have met. Absent if unknown.")
        // In tenths of a percent, so that it is the same again when it is written.
        if v.reads { covers = percent.map { ($0 * 10).rounded() / 1000 } }
    }
}

extension Advice.Kind: Kind {
    package static let blanks: [Advice.Kind] = [
        .reuseConnections(
            connections: 0, lived: Advice.Lifetime(mean: 0, count: 0), bytes: nil, pool: 0),
        .letPeerClose(share: 0, closed: 0, timeWait: 0),
        .timeWaitReuse(rules: TimeWaitRules(), loopback: false, timeWait: 0, reusable: 0, rate: 0),
        .closeIdle(open: 0), .widenRange(from: .blank, to: .blank, adds: 0, sustains: nil),
        .freeRange(range: .blank, blocked: Advice.Blocked(), holders: []), .addAddresses(0),
        .bindNoPort(blocked: 0), .socketRange(own: .blank, wide: 0), .collision(0),
        .noAddress(0), .noMemory(0),
    ]

    package var name: StaticString { row.name }

    /// `isJudged`: whether a figure always tells which part of the demand it would have met; nil if none
    /// does.
    var row: (name: StaticString, isJudged: Bool?, what: String) {
        switch self {
        case .reuseConnections:
            ("reuse_connections", true, "Keep connections open and use them again.")
        case .letPeerClose:
            ("let_peer_close", false, "Let the peer close first: then this side has no TIME_WAIT.")
        case .timeWaitReuse: ("tcp_tw_reuse", false, "Let TIME_WAITs be used again.")
        case .closeIdle:
            (
                "close_idle", nil,
                "Have fewer connections open: most ports at the peak were theirs."
            )
        case .widenRange: ("widen_range", false, "Set a wider `ip_local_port_range`.")
        case .freeRange: ("free_range", false, "Move reservations and binds out of the range.")
        case .addAddresses:
            (
                "add_addresses", false,
                "Use more source addresses, or more addresses or ports of the peer."
            )
        case .bindNoPort:
            (
                "bind_address_no_port", nil,
                "Set IP_BIND_ADDRESS_NO_PORT before bind() with port 0."
            )
        case .socketRange: ("socket_range", false, "Set a wider IP_LOCAL_PORT_RANGE, or none.")
        case .collision: ("collision", nil, "Leave the choice of the port to connect().")
        case .noAddress: ("no_address", nil, "See to the local address.")
        case .noMemory: ("no_memory", nil, "See to the kernel's memory.")
        }
    }
}
