import PortModel

extension EventReader {
    /// One item of `advice`, as `JSONWriter` has written it.
    mutating func advice(_ node: Node) throws(Unreadable) -> Advice {
        let name = try string("kind", in: node)
        let scope = try scope(in: node)
        var process = ProcessID.unknown
        if optional("top_process", in: node) != nil {
            process = try self.process(in: try self.node("top_process", in: node, .object))
        }
        let failed = try int("failed", in: node)
        let peak = try int("peak", in: node)
        let usable = try int("usable", in: node)
        var demand: Advice.Demand?
        if let rate = try optionalDouble("rate_per_s", in: node) {
            demand = Advice.Demand(rate: rate, ports: try optionalInt("needed", in: node))
        }
        // In tenths of a percent, so that it is the same again when it is written.
        let covers = try optionalDouble("covers_percent", in: node).map {
            ($0 * 10).rounded() / 1000
        }
        return Advice(
            kind: try kind(name, node), scope: scope, process: process, failed: failed,
            peak: peak, usable: usable, demand: demand, covers: covers,
            others: try int("others", in: node))
    }

    private mutating func kind(
        _ name: String, _ node: Node
    ) throws(Unreadable) -> Advice.Kind {
        switch name {
        case "reuse_connections":
            let connections = try int("connections", in: node)
            let lived = Advice.Lifetime(
                mean: try microseconds("lived_us", in: node) ?? 0, count: connections)
            return .reuseConnections(
                connections: connections, lived: lived,
                bytes: try optionalDouble("bytes", in: node), pool: try int("pool", in: node))
        case "let_peer_close":
            return .letPeerClose(
                share: try double("closed_first_percent", in: node) / 100,
                closed: try int("closed", in: node), timeWait: try int("time_wait", in: node))
        case "tcp_tw_reuse":
            return .timeWaitReuse(
                rules: try timeWaitRules(in: node), loopback: try bool("loopback", in: node),
                timeWait: try int("time_wait", in: node), reusable: try int("reusable", in: node),
                rate: try int("sustains_per_s", in: node))
        case "close_idle": return .closeIdle(open: try int("open", in: node))
        case "widen_range":
            return .widenRange(
                from: try range(in: node), to: try range("to", in: node),
                adds: try int("adds", in: node),
                sustains: try optionalInt("sustains_per_s", in: node))
        case "free_range":
            return .freeRange(
                range: try range(in: node),
                blocked: Advice.Blocked(
                    reserved: try int("reserved", in: node), bound: try int("bound", in: node)),
                holders: try objects("binders", in: node) { reader, node throws(Unreadable) in
                    try reader.process(in: node)
                })
        case "add_addresses": return .addAddresses(try int("addresses", in: node))
        case "bind_address_no_port":
            return .bindNoPort(blocked: try int("connects_blocked", in: node))
        case "socket_range":
            return .socketRange(
                own: try range(in: node), wide: try int("usable_without", in: node))
        case "collision": return .collision(try int("count", in: node))
        case "no_address": return .noAddress(try int("count", in: node))
        case "no_memory": return .noMemory(try int("count", in: node))
        default: throw Unreadable()
        }
    }

    /// In nanoseconds; nil if it is absent.
    private mutating func microseconds(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> UInt64? {
        try optionalInt(name, in: object).map { UInt64($0) * 1000 }
    }
}
