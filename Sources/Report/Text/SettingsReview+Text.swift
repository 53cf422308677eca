import Events
import PortModel

extension SettingsReview.Finding {
    /// The name of a setting, or of whoever takes ports.
    var title: StaticString {
        switch topic {
        case .range: "ip_local_port_range"
        case .reserved: "reserved ports"
        case .listeners: "listeners"
        case .bound: "bound sockets"
        case .nodePorts: "NodePorts"
        case .notDynamic: "RFC 6335"
        case .rate: "highest rate"
        case .reuseWithoutTimestamps, .reuse, .reuseOn: "tcp_tw_reuse"
        case .finTimeout: "tcp_fin_timeout"
        case .maxTimeWaits: "tcp_max_tw_buckets"
        case .recycle: "tcp_tw_recycle"
        }
    }

    /// The judgement, its figures, and the what-if, in one paragraph.
    var text: TextBuffer {
        switch topic {
        case .range(let range, let usable, let wider): text(of: range, usable, wider)
        case .reserved(let count, let range):
            "\(grouped: count) of the range, \(percent: count, of: range.count), go to no connect()"
        case .listeners(let holders):
            """
            \(portsOf: holders) inside the range: \(holders). No connect() gets such a port. But \
            while its server is down a connection can take it, which keeps the server from coming \
            back
            """
        case .bound(let holders):
            """
            \(portsOf: holders) inside the range held by sockets that are bound and not connected: \
            \(holders). No connect() gets them, whatever its destination. Programs should set \
            IP_BIND_ADDRESS_NO_PORT
            """
        case .nodePorts(let count, let process):
            """
            \(owner: process) is here, and \(grouped: count) ports of the range are NodePorts \
            (\(SettingsReview.nodePortRange) by default): a connection can take the port of a \
            service
            """
        case .notDynamic(let count):
            """
            \(grouped: count) ports of the range are none of the dynamic ports, \
            \(SettingsReview.dynamicRange): for information only
            """
        case .rate(let rate, let usable, let reuse):
            """
            \(sustained: rate) connections a second to one address and port, while this end \
            closes first: \(grouped: usable) ports ÷ \(TimeWaitRules.seconds) s\
            \(reuse.map { ". \(sustained: $0) with TIME_WAITs used again" } ?? "" as TextBuffer)
            """
        case .reuseWithoutTimestamps(let reuse):
            """
            \(Int(reuse)) has no effect, since tcp_timestamps is 0: without them no TIME_WAIT is \
            used again
            """
        case .reuse(let setting, let leftOut, let delay, let timestamps):
            text(ofReuse: setting, leftOut, delay: delay, timestamps: timestamps)
        case .reuseOn(let delay):
            """
            1: TIME_WAITs are used again after \(grouped: Int(delay)) ms, where the peer has \
            timestamps, too
            """
        case .finTimeout(let seconds):
            """
            \(Int(seconds)) s is for FIN_WAIT2 without a process, and shortens no TIME_WAIT: these \
            last \(TimeWaitRules.seconds) s
            """
        case .maxTimeWaits(let limit, let range, let now):
            text(ofLimit: Int(limit), range: range, now: now)
        case .recycle:
            "1 breaks connections of clients behind one NAT address; Linux has dropped it in 4.12"
        }
    }

    private func text(
        of range: PortRange, _ usable: Int, _ wider: SettingsReview.Wider?
    ) -> TextBuffer {
        let usual = SettingsReview.defaultRange
        var text: TextBuffer = "\(range): \(grouped: range.count) ports"
        if usable < range.count { text += ", \(grouped: usable) usable" }
        if range.count < usual.count { text += ", fewer than the kernel's default has, \(usual)" }
        guard let wider else { return text }
        text += ". \(wider.range) would give +\(grouped: wider.gain) ports"
        if let percent = wider.percent { text += ", +\(grouped: percent) %" }
        return text
    }

    private func text(
        ofReuse setting: UInt8, _ leftOut: SettingsReview.LeftOut, delay: UInt32, timestamps: Bool
    ) -> TextBuffer {
        let isOff = setting == 0
        let others: TextBuffer = isOff ? "" : " to other peers"
        var text: TextBuffer =
            isOff ? "0: no TIME_WAIT is used again" : "\(Int(setting)): used again on loopback only"
        guard leftOut.timeWaits + leftOut.connections > 0 else {
            text += isOff ? "; none is there now" : "; no connection\(others) now"
            return text
        }
        text += ". \(leftOut.timeWaits, "TIME_WAIT") and \(leftOut.connections, "connection")"
        text += others
        if let tuple = leftOut.fullest {
            text += ", \(grouped: leftOut.fullestCount) TIME_WAITs of \(tuple.plain) alone"
        }
        text += ". With 1 a port is free after \(grouped: Int(delay)) ms in place of "
        text += "\(TimeWaitRules.seconds) s, where the peer has timestamps, too"
        if !timestamps { text += "; tcp_timestamps is 0 here" }
        return text
    }

    private func text(ofLimit limit: Int, range: Int, now: Int?) -> TextBuffer {
        var text: TextBuffer = "\(limit, "TIME_WAIT")"
        if limit < range {
            text += """
                , fewer than the \(grouped: range) ports of the range: beyond, connections close \
                without a TIME_WAIT, and what is left of an old one can get into a new one \
                (RFC 1337)
                """
        }
        if let now { text += "; \(grouped: now) now" }
        return text
    }

    /// Commands that change it for the better; none where nothing need be changed.
    func commands(_ review: SettingsReview) -> [String] {
        let reserve = review.reservation.map { [sysctl("ip_local_reserved_ports", $0.list)] } ?? []
        switch topic {
        case .range(_, _, let wider?):
            // First, so that no server in the wider range loses its port.
            return reserve + [
                sysctl("ip_local_port_range", "\"\(wider.range.low) \(wider.range.high)\"")
            ]
        case .listeners, .nodePorts: return reserve
        case .reuseWithoutTimestamps: return [sysctl("tcp_timestamps", "1")]
        case .reuse(_, let leftOut, _, let timestamps):
            guard leftOut.timeWaits + leftOut.connections > 0 else { return [] }
            return (timestamps ? [] : [sysctl("tcp_timestamps", "1")]) + [
                sysctl("tcp_tw_reuse", "1")
            ]
        case .maxTimeWaits where verdict == .hurts: return [sysctl("tcp_max_tw_buckets", "262144")]
        case .recycle: return [sysctl("tcp_tw_recycle", "0")]
        default: return []
        }
    }

    private func sysctl(_ name: String, _ value: String) -> String {
        "sysctl -w net.ipv4.\(name)=\(value)"
    }
}

extension Tuple {
    /// `10.0.0.1 → 10.0.0.9:80`, the local address without brackets.
    var plain: TextBuffer { "\(local) → \(remote, port: remotePort)" }
}

extension TextBuffer {
    /// `2 ports`
    fileprivate mutating func appendInterpolation(portsOf holders: [SettingsReview.Holder]) {
        self += "\(Set(holders.map(\.port)).count, "port")"
    }

    /// The first few, each process once: `nginx[77] on 0.0.0.0:40001, [::]:40001`.
    fileprivate mutating func appendInterpolation(_ holders: [SettingsReview.Holder]) {
        let shown = 5
        var texts: [TextBuffer] = []
        var last: ProcessID?
        for holder in holders.prefix(shown) {
            let isSame = holder.process == last || holder.process == .unknown && last == nil
            let owner: TextBuffer = isSame ? "" : "\(owner: holder.process) on "
            texts.append("\(owner)\(holder.address, port: holder.port)")
            last = holder.process
        }
        if holders.count > shown { texts.append("\(grouped: holders.count - shown) more") }
        self += "\(joined: texts)"
    }

    /// `wrk[4123]`
    fileprivate mutating func appendInterpolation(owner process: ProcessID) {
        self += process == .unknown ? "an unknown process" : "\(process)"
    }

    /// Connections a second, rounded down, with a digit after the point where that matters.
    fileprivate mutating func appendInterpolation(sustained rate: Double) {
        self += rate < 10 ? "\(tenths: rate)" : "\(grouped: Int(min(rate, 1e15)))"
    }
}
