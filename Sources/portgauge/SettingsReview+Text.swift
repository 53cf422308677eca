import LinuxSystem
import PortModel

extension SettingsReview.Finding {
    /// What it is about: the name of a setting, or what takes its ports.
    var title: String {
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
    var text: String {
        switch topic {
        case .range(let range, let usable, let wider):
            var text = "\(range.text): \(range.count.grouped) ports"
            if usable < range.count { text += ", \(usable.grouped) usable" }
            if range.count < SettingsReview.defaultRange.count {
                text += ", fewer than the kernel's default has, \(SettingsReview.defaultRange.text)"
            }
            guard let wider else { return text }
            text += ". \(wider.range.text) would give +\(wider.gain.grouped) ports"
            return wider.percent.map { text + ", +\($0.grouped) %" } ?? text
        case .reserved(let count, let range):
            return
                "\(count.grouped) of the range, \(percent(count, range.count)), go to no connect()"
        case .listeners(let holders):
            return "\(ports(of: holders)) inside the range: \(list(holders)). No connect() gets "
                + "such a port. But while its server is down a connection can take it, which keeps "
                + "the server from coming back"
        case .bound(let holders):
            return "\(ports(of: holders)) inside the range held by sockets that are bound and not "
                + "connected: \(list(holders)). No connect() gets them, whatever its destination. "
                + "Programs should set IP_BIND_ADDRESS_NO_PORT"
        case .nodePorts(let count, let process):
            return "\(process.text) is here, and \(count.grouped) ports of the range are NodePorts "
                + "(\(SettingsReview.nodePortRange.text) by default): a connection can take the "
                + "port of a service"
        case .notDynamic(let count):
            return "\(count.grouped) ports of the range are none of the dynamic ports, "
                + "\(SettingsReview.dynamicRange.text): for information only"
        case .rate(let rate, let usable, let reuse):
            var text = "\(rate.rate) connections a second to one address and port, while this end "
            text += "closes first: \(usable.grouped) ports ÷ \(TimeWaitRules.seconds) s"
            return reuse.map { "\(text). \($0.rate) with TIME_WAITs used again" } ?? text
        case .reuseWithoutTimestamps(let reuse):
            return "\(reuse) has no effect, since tcp_timestamps is 0: without them no TIME_WAIT "
                + "is used again"
        case .reuse(let setting, let leftOut, let delay, let timestamps):
            return text(ofReuse: setting, leftOut, delay: delay, timestamps: timestamps)
        case .reuseOn(let delay):
            return
                "1: TIME_WAITs are used again after \(Int(delay).grouped) ms, where the peer has "
                + "timestamps, too"
        case .finTimeout(let seconds):
            return "\(seconds) s is for FIN_WAIT2 without a process, and shortens no TIME_WAIT: "
                + "these last \(TimeWaitRules.seconds) s"
        case .maxTimeWaits(let limit, let range, let now):
            var text = Int(limit).counted("TIME_WAIT")
            if Int(limit) < range {
                text += ", fewer than the \(range.grouped) ports of the range: beyond, connections "
                text += "close without a TIME_WAIT, and what is left of an old one can get into a "
                text += "new one (RFC 1337)"
            }
            return now.map { "\(text); \($0.grouped) now" } ?? text
        case .recycle:
            return "1 breaks connections of clients behind one NAT address; Linux has dropped it "
                + "in 4.12"
        }
    }

    private func text(
        ofReuse setting: UInt8, _ leftOut: SettingsReview.LeftOut, delay: UInt32, timestamps: Bool
    ) -> String {
        var text =
            setting == 0
            ? "0: no TIME_WAIT is used again" : "\(setting): used again on loopback only"
        let others = setting == 0 ? "" : " to other peers"
        guard leftOut.timeWaits + leftOut.connections > 0 else {
            return text + (setting == 0 ? "; none is there now" : "; no connection\(others) now")
        }
        text += ". \(leftOut.timeWaits.counted("TIME_WAIT")) and "
        text += "\(leftOut.connections.counted("connection"))\(others)"
        if let tuple = leftOut.fullest {
            text += ", \(leftOut.fullestCount.grouped) TIME_WAITs of \(tuple.text) alone"
        }
        text += ". With 1 a port is free after \(Int(delay).grouped) ms in place of "
        text += "\(TimeWaitRules.seconds) s, where the peer has timestamps, too"
        return text + (timestamps ? "" : "; tcp_timestamps is 0 here")
    }

    /// What changes it for the better, as commands; none where nothing need be changed.
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

    // MARK: JSON

    /// What kind of finding it is, for a program, and its figures.
    var fields: [(String, JSONValue)] {
        switch topic {
        case .range(let range, let usable, let wider):
            return [
                ("finding", .string("range")), ("ports", .int(range.count)),
                ("usable", .int(usable)), ("wider_range", wider.map { $0.range.json } ?? .null),
                ("gain", .optional(wider?.gain)), ("gain_percent", .optional(wider?.percent)),
            ]
        case .reserved(let count, _):
            return [("finding", .string("reserved")), ("ports", .int(count))]
        case .listeners(let holders): return [("finding", .string("listeners"))] + json(holders)
        case .bound(let holders): return [("finding", .string("bound"))] + json(holders)
        case .nodePorts(let count, let process):
            return [("finding", .string("node_ports")), ("ports", .int(count))] + process.json
        case .notDynamic(let count):
            return [("finding", .string("not_dynamic")), ("ports", .int(count))]
        case .rate(let rate, let usable, let reuse):
            return [
                ("finding", .string("rate")), ("per_second", .tenths(rate)),
                ("usable", .int(usable)),
                ("per_second_with_reuse", reuse.map { .tenths($0) } ?? .null),
            ]
        case .reuseWithoutTimestamps:
            return [("finding", .string("reuse_without_timestamps"))]
        case .reuse(_, let leftOut, _, _):
            return [
                ("finding", .string("reuse")), ("time_waits", .int(leftOut.timeWaits)),
                ("connections", .int(leftOut.connections)),
                ("fullest", leftOut.fullest.map { .string($0.text) } ?? .null),
                ("fullest_time_waits", .int(leftOut.fullestCount)),
            ]
        case .reuseOn: return [("finding", .string("reuse_on"))]
        case .finTimeout(let seconds):
            return [("finding", .string("fin_timeout")), ("seconds", .int(Int(seconds)))]
        case .maxTimeWaits(let limit, let range, let now):
            return [
                ("finding", .string("max_time_waits")), ("limit", .int(Int(limit))),
                ("ports", .int(range)), ("time_waits", .optional(now)),
            ]
        case .recycle: return [("finding", .string("recycle"))]
        }
    }

    private func json(_ holders: [SettingsReview.Holder]) -> [(String, JSONValue)] {
        let list = holders.map { holder in
            JSONValue.object(
                [("address", .string(holder.address.text)), ("port", .int(Int(holder.port)))]
                    + holder.process.json)
        }
        return [("ports", .int(Set(holders.map(\.port)).count)), ("holders", .array(list))]
    }

    // MARK: Words

    private func ports(of holders: [SettingsReview.Holder]) -> String {
        Set(holders.map(\.port)).count.counted("port")
    }

    /// The first few, each process once: `nginx[77] on 0.0.0.0:40001, [::]:40001`.
    private func list(_ holders: [SettingsReview.Holder]) -> String {
        let shown = 5
        var texts: [String] = []
        var last: ProcessID?
        for holder in holders.prefix(shown) {
            let place = "\(holder.address.bracketed):\(holder.port)"
            let isSame = holder.process == last || holder.process == .unknown && last == nil
            texts.append(isSame ? place : "\(holder.process.text) on \(place)")
            last = holder.process
        }
        if holders.count > shown { texts.append("\((holders.count - shown).grouped) more") }
        return texts.joined(separator: ", ")
    }

    private func percent(_ part: Int, _ whole: Int) -> String {
        "\((Double(part) * 100 / Double(max(whole, 1))).tenths) %"
    }
}

extension PortRange {
    /// `32768-60999`
    var text: String { "\(low)-\(high)" }

    var json: JSONValue { .array([.int(Int(low)), .int(Int(high))]) }
}

extension ProcessID {
    /// `wrk[4123]`; bytes that a terminal might obey are written as `\x1b`.
    var text: String {
        guard self != .unknown else { return "an unknown process" }
        var text = ""
        name.forEachByte { text += UnicodeScalar($0).visible }
        return "\(text)[\(pid)]"
    }

    fileprivate var json: [(String, JSONValue)] {
        guard self != .unknown else { return [] }
        var bytes: [UInt8] = []
        name.forEachByte { bytes.append($0) }
        return [
            ("pid", .int(Int(pid))), ("comm", .string(String(decoding: bytes, as: UTF8.self))),
        ]
    }
}

extension UnicodeScalar {
    /// As it is if it is printable ASCII, else as `\x1b`.
    fileprivate var visible: String {
        if (0x20..<0x7f).contains(value), self != "\\" { return String(self) }
        return (value < 16 ? "\\x0" : "\\x") + String(value, radix: 16)
    }
}

extension String {
    /// As bytes of printable ASCII, all others as `\x1b`.
    var visible: String { utf8.map { UnicodeScalar($0).visible }.joined() }
}

extension IPAddress {
    fileprivate var bracketed: String { isV4 ? text : "[\(text)]" }
}

extension Tuple {
    fileprivate var text: String { "\(local.text) → \(remote.bracketed):\(remotePort)" }
}

extension Int {
    /// `1 TIME_WAIT`, `2,000 TIME_WAITs`
    fileprivate func counted(_ noun: String) -> String {
        "\(grouped) \(noun)\(self == 1 ? "" : "s")"
    }
}

extension Double {
    /// With a digit after the point where that matters.
    fileprivate var rate: String { self < 10 ? tenths : Int(min(self, 1e15)).grouped }
}
