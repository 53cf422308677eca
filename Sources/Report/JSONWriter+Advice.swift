import PortModel

extension JSONWriter {
    /// Appends `,"advice":[…]`.
    func write(_ advice: [Advice], _ context: RenderContext, _ line: inout TextBuffer) {
        line.array("advice", advice) { advice, line in
            line.append("{")
            line.field("kind", advice.kind.name, first: true)
            line.field("netns", name(of: advice.netns, context))
            switch advice.scope {
            case .tuple(let tuple): addresses(tuple, &line)
            case .bindPool(let key): local(key.local, &line)
            }
            if advice.process != .unknown {
                line.name("top_process")
                line.open(advice.process)
                line.append("}")
            }
            line.field("failed", advice.failed)
            line.field("peak", advice.peak)
            line.field("usable", advice.usable)
            if let demand = advice.demand {
                line.field("rate_per_s", tenths: demand.rate)
                if let ports = demand.ports { line.field("needed", ports) }
            }
            if let covers = advice.covers {
                line.field("covers_percent", tenths: (covers * 1000).rounded(.down) / 10)
            }
            figures(advice.kind, &line)
            if let setting = advice.setting { line.field("setting", setting) }
            line.field("others", advice.others)
            line.append("}")
        }
    }

    private func figures(_ kind: Advice.Kind, _ line: inout TextBuffer) {
        switch kind {
        case .reuseConnections(let connections, let lived, let bytes, let pool):
            line.field("connections", connections)
            line.field("lived_us", Int(clamping: lived.mean / 1000))
            if let bytes { line.field("bytes", tenths: bytes) }
            line.field("pool", pool)
        case .letPeerClose(let share, let closed, let timeWait):
            line.field("closed", closed)
            line.field("closed_first_percent", tenths: share * 100)
            line.field("time_wait", timeWait)
        case .timeWaitReuse(let rules, let loopback, let timeWait, let reusable, let rate):
            line.field("tw_reuse", Int(rules.reuse))
            line.field("tw_reuse_delay_ms", Int(rules.reuseDelay))
            line.field("timestamps", rules.timestamps)
            line.field("loopback", loopback)
            line.field("time_wait", timeWait)
            line.field("reusable", reusable)
            line.field("sustains_per_s", rate)
        case .closeIdle(let open):
            line.field("open", open)
        case .widenRange(let from, let to, let adds, let sustains):
            line.field("range", from)
            line.field("to", to)
            line.field("adds", adds)
            if let sustains { line.field("sustains_per_s", sustains) }
        case .freeRange(let range, let blocked, let binders):
            line.field("range", range)
            line.field("reserved", blocked.reserved)
            line.field("bound", blocked.bound)
            line.array("binders", binders) {
                $1.open($0)
                $1.append("}")
            }
        case .addAddresses(let count): line.field("addresses", count)
        case .bindNoPort(let blocked): line.field("connects_blocked", blocked)
        case .socketRange(let own, let wide):
            line.field("range", own)
            line.field("usable_without", wide)
        case .collision(let count), .noAddress(let count), .noMemory(let count):
            line.field("count", count)
        }
    }
}

extension Advice.Kind {
    /// Stable.
    fileprivate var name: String {
        switch self {
        case .reuseConnections: "reuse_connections"
        case .letPeerClose: "let_peer_close"
        case .timeWaitReuse: "tcp_tw_reuse"
        case .closeIdle: "close_idle"
        case .widenRange: "widen_range"
        case .freeRange: "free_range"
        case .addAddresses: "add_addresses"
        case .bindNoPort: "bind_address_no_port"
        case .socketRange: "socket_range"
        case .collision: "collision"
        case .noAddress: "no_address"
        case .noMemory: "no_memory"
        }
    }
}
