import Events
import PortModel

extension TextBuffer {
    /// Names the tuple or bind pool that it is about, and whose it is.
    mutating func appendInterpolation(scopeOf advice: Advice, _ context: RenderContext) {
        switch advice.scope {
        case .tuple(let tuple): self += "\(tuple, context)"
        case .bindPool(let key): self += "bind() to \(key.local), port 0"
        }
        self += "\(netns: advice.netns, context)"
        if advice.process != .unknown { self += "  \(advice.process)" }
    }

    /// `3 of the 4 ports …`
    fileprivate mutating func appendInterpolation(_ part: Int, of all: Int, _ nouns: StaticString) {
        self += "\(grouped: part) of the \(grouped: all) \(nouns)"
    }

    /// ` Alone, that meets 8.1 % of the demand.`, if that is less than all of it.
    fileprivate mutating func appendInterpolation(shortfall covers: Double?) {
        guard let covers, covers < 1 else { return }
        self += " Alone, that meets \(share: covers) of the demand."
    }

    /// Says how far it goes, as far as is known.
    fileprivate mutating func appendInterpolation(verdict covers: Double?) {
        self += "\(if: covers ?? 0 >= 1, " That is enough.")\(shortfall: covers)"
    }
}

extension Advice {
    /// Says what the tuple or the pool lacked.
    var situation: TextBuffer {
        let call: StaticString = scope.tuple == nil ? "bind" : "connect"
        var text: TextBuffer = failed > 0 ? "\(failed, call) failed; " : "no \(call) failed, but "
        text += "\(peak, of: usable, "usable ports were held at the peak")"
        if let demand, let ports = demand.ports, ports > usable {
            text += ", and \(rate: demand.rate) connections a second take \(grouped: ports)"
            if failed == 0 { text += " in the long run" }
        }
        return text
    }

    /// Says what to do, and the figures for it; all but `setting`.
    func text(_ context: RenderContext) -> TextBuffer {
        var text = remedy
        if others > 0 {
            let (one, more): (StaticString, StaticString) =
                scope.tuple == nil ? ("local address", "local addresses") : ("tuple", "tuples")
            text += " The same goes for \(grouped: others) more \(others == 1 ? one : more)."
        }
        if setting?.hasPrefix("sysctl") == true, netns != context.ownNamespace {
            text += " In netns \(nameOf: netns, context):"
        }
        return text
    }

    private var remedy: TextBuffer {
        switch kind {
        case .reuseConnections(let connections, let lived, let bytes, let pool):
            reuseConnections(connections, lived, bytes, pool: pool)
        case .letPeerClose(let share, let closed, let timeWait):
            """
            \(tenths: share * 100) % of \(grouped: closed) connections were closed by this side \
            first; so at the peak \(timeWait, of: peak, "ports were in TIME_WAIT, for 60 s each") \
            (tcp_fin_timeout does not shorten that). If the peer closes first, the port is free at \
            once. (With HTTP: let the server end it, and close only after its end was read.)\
            \(shortfall: covers)
            """
        case .timeWaitReuse(let rules, let loopback, let timeWait, let reusable, let rate):
            "\(timeWaitReuse(rules, loopback, timeWait, reusable, rate))\(verdict: covers)"
        case .closeIdle(let open):
            """
            \(open, of: peak, "ports at the peak were open connections, not TIME_WAITs:") close \
            what is idle, limit the pools, and look for a leak\
            \(if: process != .unknown, " in \(process)").
            """
        case .widenRange(let old, let new, let adds, let sustains):
            """
            \(grouped: adds) more ports are usable in the range \(new) than in \(old)\
            \(if: sustains != nil, "; it sustains \(grouped: sustains ?? 0) connections a second").\
            \(verdict: covers) First reserve in it what services listen on \
            (net.ipv4.ip_local_reserved_ports).
            """
        case .freeRange(let range, let blocked, let binders):
            "\(freeRange(range, blocked, binders))\(verdict: covers)"
        case .addAddresses(let count):
            """
            \(grouped: count) source addresses, or \(grouped: count) addresses or ports of the \
            peer, would have done: each pair has \(grouped: usable) ports. Bind to the source \
            addresses in turn, with IP_BIND_ADDRESS_NO_PORT, and port 0.
            """
        case .bindNoPort(let blocked):
            """
            \(peak, "port was", "ports were") taken by bind() with port 0, which takes one for all \
            peers together.\
            \(if: blocked > 0, " \(blocked, "connect") failed because binds held what was left.") \
            With IP_BIND_ADDRESS_NO_PORT set before bind(), connect() chooses the port, and one \
            port serves many peers.
            """
        case .socketRange(let own, let wide):
            """
            \(grouped: wide) ports are usable without IP_LOCAL_PORT_RANGE, which keeps the socket \
            to \(own) (\(grouped: usable) usable): give it a wider one, or none (zero).\
            \(verdict: covers)
            """
        case .collision(let count):
            """
            \(count, "connect") failed although ports were free: the program bound a port itself \
            that already had a connection to this peer, or its TIME_WAIT (60 s). Bind port 0, with \
            IP_BIND_ADDRESS_NO_PORT.
            """
        case .noAddress(let count):
            """
            \(count, "connect") failed for want of a local address, not of a port. See which one \
            the route has, and whether that one is up.
            """
        case .noMemory(let count):
            """
            \(count, "connect") failed for want of kernel memory, not of a port: see dmesg, and \
            the limits of the cgroup (memory.max).
            """
        }
    }

    private func reuseConnections(
        _ connections: Int, _ lived: Lifetime, _ bytes: Double?, pool: Int
    ) -> TextBuffer {
        var text: TextBuffer = "\(grouped: connections) connections lived \(duration: lived.mean)"
        if let bytes {
            text += " and carried \(grouped: Int(min(max(0, bytes), 1e15).rounded())) bytes"
        }
        text += " on average: keep them open and use them again (keep-alive). "
        text += "\(if: pool == 1, "One", else: "A pool of \(grouped: pool)") would have done, "
        text += "with \(pool, "port") instead of \(grouped: peak)."
        return text
    }

    private func timeWaitReuse(
        _ rules: TimeWaitRules, _ loopback: Bool, _ timeWait: Int, _ reusable: Int, _ rate: Int
    ) -> TextBuffer {
        let effect: TextBuffer =
            switch rules.reuse {
            case 0: " (off)"
            case 2 where !loopback: " (loopback only)"
            default: ", without effect"
            }
        return """
            \(reusable, of: timeWait, "TIME_WAITs at the peak were older than ")\
            \(grouped: Int(rules.reuseDelay)) ms and could have been used again, but tcp_tw_reuse \
            is \(Int(rules.reuse))\(effect)\
            \(if: !rules.timestamps, ", and tcp_timestamps, which it needs, is off"). Used again, \
            they sustain \(grouped: rate) connections a second\
            \(if: !loopback, ", if the peer has timestamps on, too").
            """
    }

    private func freeRange(
        _ range: PortRange, _ blocked: Blocked, _ binders: [ProcessID]
    ) -> TextBuffer {
        var parts: [TextBuffer] = []
        if blocked.reserved > 0 {
            parts.append(
                "\(grouped: blocked.reserved) are reserved (net.ipv4.ip_local_reserved_ports)")
        }
        if blocked.bound > 0 {
            let names = binders.prefix(3).map { TextBuffer("\($0)") }
            parts.append(
                """
                \(blocked.bound, "is", "are") held by listeners and other binds\
                \(if: !names.isEmpty, " of \(joined: names)")
                """)
        }
        return """
            \(blocked.count, of: range.count, "ports in the range ")\(range) are not for connect(): \
            \(joined: parts). Move them out of the range, or the range away from them.
            """
    }
}
