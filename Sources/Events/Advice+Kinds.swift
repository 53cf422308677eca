import PortModel

extension Advice {
    package var what: String { kind.row.what }

    /// The command or the call that does it, where there is one.
    package var setting: String? {
        switch kind {
        case .timeWaitReuse(let rules, let loopback, _, _, _):
            let timestamps = rules.timestamps ? "" : " net.ipv4.tcp_timestamps=1"
            // 2, the default, is enough where it is loopback.
            let reuse =
                rules.reuse == 1 || rules.reuse == 2 && loopback
                ? "" : " net.ipv4.tcp_tw_reuse=\(loopback ? 2 : 1)"
            return "sysctl -w\(timestamps)\(reuse)"
        case .widenRange(_, let range, _, _):
            return "sysctl -w net.ipv4.ip_local_port_range=\"\(range.low) \(range.high)\""
        case .addAddresses, .bindNoPort, .collision:
            return "setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)"
        case .socketRange:
            return "setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &zero, sizeof zero)"
        case .noAddress:
            guard case .tuple(let tuple) = scope else { return nil }
            var command: TextBuffer = "ip route get "
            command.append(tuple.remote)
            return String(command)
        case .reuseConnections, .letPeerClose, .closeIdle, .freeRange, .noMemory: return nil
        }
    }

    package var netns: UInt32 { scope.netns }
}

extension Advice.Kind {
    mutating func fields(_ v: inout some FieldVisitor) {
        switch self {
        case .reuseConnections(var connections, var lived, var bytes, var pool):
            v.field("connections", &connections, .count, "Connections that were opened.")
            v.field(
                "lived_us", &lived.mean, .microseconds, "Mean microseconds, connect() to close.")
            v.optional("bytes", &bytes, .tenths(), "Mean payload, both ways. Absent if unknown.")
            v.field("pool", &pool, .count, "Ports that do: connections a second × seconds lived.")
            if v.reads { lived.count = connections }
            self = .reuseConnections(
                connections: connections, lived: lived, bytes: bytes, pool: pool)
        case .letPeerClose(var share, var closed, var timeWait):
            v.field("closed", &closed, .count, "Connections that were closed.")
            var percent = share * 100
            v.field(
                "closed_first_percent", &percent, .tenths(to: 100), "Closed first by this side.")
            v.field("time_wait", &timeWait, .count, Self.timeWaitText)
            if v.reads { share = percent / 100 }
            self = .letPeerClose(share: share, closed: closed, timeWait: timeWait)
        case .timeWaitReuse(var rules, var loopback, var timeWait, var reusable, var rate):
            rules.fields(&v, most: 2)
            v.field("loopback", &loopback, .flag, "A `tcp_tw_reuse` of 2 is enough for the tuple.")
            v.field("time_wait", &timeWait, .count, Self.timeWaitText)
            v.field("reusable", &reusable, .count, "How many of them were older than that delay.")
            v.field("sustains_per_s", &rate, .count, Self.sustainsText)
            self = .timeWaitReuse(
                rules: rules, loopback: loopback, timeWait: timeWait, reusable: reusable,
                rate: rate)
        case .closeIdle(let open):
            self = .closeIdle(
                open: v.count("open", open, "Ports that open connections held at the peak."))
        case .widenRange(var from, var to, var adds, var sustains):
            v.field("range", &from, Ends(), PortRange.text)
            v.field("to", &to, Ends(), "The range to set: the lowest and the highest port.")
            v.field("adds", &adds, .count, "Ports that are usable in it, less those that are now.")
            v.optional(
                "sustains_per_s", &sustains, .count, Self.sustainsText + " Absent if unknown.")
            self = .widenRange(from: from, to: to, adds: adds, sustains: sustains)
        case .freeRange(var range, var blocked, var binders):
            v.field("range", &range, Ends(), PortRange.text)
            v.field("reserved", &blocked.reserved, .count, "Ports of it that are reserved.")
            v.field("bound", &blocked.bound, .count, "Ports of it that only a bind holds.")
            v.field("binders", &binders, .objects(), "Processes known to hold them.")
            self = .freeRange(range: range, blocked: blocked, holders: binders)
        case .addAddresses(let count):
            self = .addAddresses(v.count("addresses", count, "How many in all."))
        case .bindNoPort(let blocked):
            let what = "Connects that failed because of the binds."
            self = .bindNoPort(blocked: v.count("connects_blocked", blocked, what))
        case .socketRange(var own, var wide):
            v.field("range", &own, Ends(), "The socket's own: lowest and highest port.")
            v.field("usable_without", &wide, .count, "Ports usable in the namespace's range.")
            self = .socketRange(own: own, wide: wide)
        case .collision(let count):
            self = .collision(
                v.failed(count, "the port that the program bound had a connection to this peer"))
        case .noAddress(let count):
            self = .noAddress(v.failed(count, "there was no local address"))
        case .noMemory(let count):
            self = .noMemory(v.failed(count, "there was no memory"))
        }
    }

    private static var timeWaitText: String {
        "How many of the ports held at the peak were in TIME_WAIT."
    }
    private static var sustainsText: String {
        "Connections a second that can go on without end, then."
    }
}

extension FieldVisitor {
    fileprivate mutating func count(
        _ name: StaticString, _ count: Int, _ what: @autoclosure () -> String
    ) -> Int {
        var count = count
        field(name, &count, .count, what())
        return count
    }

    fileprivate mutating func failed(_ count: Int, _ reason: @autoclosure () -> String) -> Int {
        self.count("count", count, "Connects that failed because \(reason()).")
    }
}
