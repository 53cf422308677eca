import PortModel

extension AdviceWriter {
    /// What to do, and the figures that say so; all but `setting`.
    func text(_ advice: Advice, _ context: RenderContext, _ text: inout TextBuffer) {
        switch advice.kind {
        case .reuseConnections(let connections, let lived, let bytes, let pool):
            reuseConnections(connections, lived, bytes, pool: pool, peak: advice.peak, &text)
        case .letPeerClose(let share, let closed, let timeWait):
            text.append(tenths: share * 100)
            text.append(" % of ")
            text.append(grouped: closed)
            text.append(" connections were closed by this side first; so at the peak ")
            text.append(timeWait, of: advice.peak, "ports were in TIME_WAIT, for 60 s each")
            text.append(" (tcp_fin_timeout does not shorten that). If the peer closes first, the")
            text.append(" port is free at once. (With HTTP: let the")
            text.append(" server end it, and close only after its end was read.)")
            shortfall(advice.covers, &text)
        case .timeWaitReuse(let rules, let loopback, let timeWait, let reusable, let rate):
            timeWaitReuse(rules, loopback, timeWait, reusable, rate, &text)
            verdict(advice.covers, &text)
        case .closeIdle(let open):
            text.append(
                open, of: advice.peak, "ports at the peak were open connections, not TIME_WAITs:")
            text.append(" close what is idle, limit the pools, and look for a leak")
            if advice.process != .unknown {
                text.append(" in ")
                text.append(advice.process)
            }
            text.append(".")
        case .widenRange(let old, let new, let adds, let sustains):
            text.append(grouped: adds)
            text.append(" more ports are usable in the range ")
            text.append(new)
            text.append(" than in ")
            text.append(old)
            if let sustains {
                text.append("; it sustains ")
                text.append(grouped: sustains)
                text.append(" connections a second")
            }
            text.append(".")
            verdict(advice.covers, &text)
            text.append(" First reserve in it what services listen on")
            text.append(" (net.ipv4.ip_local_reserved_ports).")
        case .freeRange(let range, let blocked, let binders):
            freeRange(range, blocked, binders, &text)
            verdict(advice.covers, &text)
        case .addAddresses(let count):
            text.append(grouped: count)
            text.append(" source addresses, or ")
            text.append(grouped: count)
            text.append(" addresses or ports of the peer, would have done: each pair has ")
            text.append(grouped: advice.usable)
            text.append(" ports. Bind to the source addresses in turn, with")
            text.append(" IP_BIND_ADDRESS_NO_PORT, and port 0.")
        case .bindNoPort(let blocked):
            text.append(grouped: advice.peak)
            text.append(advice.peak == 1 ? " port was" : " ports were")
            text.append(" taken by bind() with port 0, which takes one for all peers together.")
            if blocked > 0 {
                text.append(" ")
                text.append(failures: blocked)
                text.append(" because binds held what was left.")
            }
            text.append(" With IP_BIND_ADDRESS_NO_PORT set before bind(), connect() chooses the")
            text.append(" port, and one port serves many peers.")
        case .socketRange(let own, let wide):
            text.append(grouped: wide)
            text.append(" ports are usable without IP_LOCAL_PORT_RANGE, which keeps the socket to ")
            text.append(own)
            text.append(" (")
            text.append(grouped: advice.usable)
            text.append(" usable): give it a wider one, or none (zero).")
            verdict(advice.covers, &text)
        case .collision(let count):
            text.append(failures: count)
            text.append(" although ports were free: the program bound a port itself that already")
            text.append(
                " had a connection to this peer, or its TIME_WAIT (60 s). Bind port 0, with")
            text.append(" IP_BIND_ADDRESS_NO_PORT.")
        case .noAddress(let count):
            text.append(failures: count)
            text.append(" for want of a local address, not of a port. See which one the route has,")
            text.append(" and whether that one is up.")
        case .noMemory(let count):
            text.append(failures: count)
            text.append(" for want of kernel memory, not of a port: see dmesg, and the limits of")
            text.append(" the cgroup (memory.max).")
        }
        if advice.others > 0 {
            text.append(" The same goes for ")
            text.append(grouped: advice.others)
            text.append(" more ")
            if case .bindPool = advice.scope {
                text.append(advice.others == 1 ? "local address." : "local addresses.")
            } else {
                text.append(advice.others == 1 ? "tuple." : "tuples.")
            }
        }
        if advice.setting?.hasPrefix("sysctl") == true, advice.netns != context.ownNamespace {
            text.append(" In netns ")
            text.append(nameOf: advice.netns, context)
            text.append(":")
        }
    }

    private func reuseConnections(
        _ connections: Int, _ lived: Advice.Lifetime, _ bytes: Double?, pool: Int, peak: Int,
        _ text: inout TextBuffer
    ) {
        text.append(grouped: connections)
        text.append(" connections lived ")
        text.append(duration: lived.mean)
        if let bytes {
            text.append(" and carried ")
            text.append(grouped: Int(min(max(0, bytes), 1e15).rounded()))
            text.append(" bytes")
        }
        text.append(" on average")
        text.append(": keep them open and use them again (keep-alive). ")
        if pool == 1 {
            text.append("One would have done, with 1 port")
        } else {
            text.append("A pool of ")
            text.append(grouped: pool)
            text.append(" would have done, with ")
            text.append(grouped: pool)
            text.append(" ports")
        }
        text.append(" instead of ")
        text.append(grouped: peak)
        text.append(".")
    }

    private func timeWaitReuse(
        _ rules: TimeWaitRules, _ loopback: Bool, _ timeWait: Int, _ reusable: Int, _ rate: Int,
        _ text: inout TextBuffer
    ) {
        text.append(reusable, of: timeWait, "TIME_WAITs at the peak were older than ")
        text.append(grouped: Int(rules.reuseDelay))
        text.append(" ms and could have been used again, but tcp_tw_reuse is ")
        text.append(Int(rules.reuse))
        switch rules.reuse {
        case 0: text.append(" (off)")
        case 2 where !loopback: text.append(" (loopback only)")
        default: text.append(", without effect")
        }
        if !rules.timestamps { text.append(", and tcp_timestamps, which it needs, is off") }
        text.append(". Used again, they sustain ")
        text.append(grouped: rate)
        text.append(" connections a second")
        text.append(loopback ? "." : ", if the peer has timestamps on, too.")
    }

    private func freeRange(
        _ range: PortRange, _ blocked: Advice.Blocked, _ binders: [ProcessID],
        _ text: inout TextBuffer
    ) {
        text.append(blocked.count, of: range.count, "ports in the range ")
        text.append(range)
        text.append(" are not for connect(): ")
        if blocked.reserved > 0 {
            text.append(grouped: blocked.reserved)
            text.append(" are reserved (net.ipv4.ip_local_reserved_ports)")
        }
        if blocked.bound > 0 {
            if blocked.reserved > 0 { text.append(", ") }
            text.append(grouped: blocked.bound)
            text.append(blocked.bound == 1 ? " is" : " are")
            text.append(" held by listeners and other binds")
            for (index, process) in binders.prefix(3).enumerated() {
                text.append(index == 0 ? " of " : ", ")
                text.append(process)
            }
        }
        text.append(". Move them out of the range, or the range away from them.")
    }

    // MARK: How far it goes

    private func verdict(_ covers: Double?, _ text: inout TextBuffer) {
        guard let covers else { return }
        if covers >= 1 { text.append(" That is enough.") } else { shortfall(covers, &text) }
    }

    private func shortfall(_ covers: Double?, _ text: inout TextBuffer) {
        guard let covers, covers < 1 else { return }
        text.append(" Alone, that meets ")
        text.append(tenths: (covers * 1000).rounded(.down) / 10)
        text.append(" % of the demand.")
    }
}

extension TextBuffer {
    /// `3 of the 4 ports …`
    mutating func append(_ part: Int, of all: Int, _ what: StaticString) {
        append(grouped: part)
        append(" of the ")
        append(grouped: all)
        append(" ")
        append(what)
    }

    /// `32768-60999`
    mutating func append(_ range: PortRange) {
        append(Int(range.low))
        append("-")
        append(Int(range.high))
    }

    /// `3 connects failed`
    mutating func append(failures count: Int) {
        append(grouped: count)
        append(count == 1 ? " connect failed" : " connects failed")
    }
}
