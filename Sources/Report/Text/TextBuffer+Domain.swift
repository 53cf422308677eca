import Events
import PortModel

/// Lines that come by the thousand call these on the buffer that there is, and so allocate nothing.
extension TextBuffer {
    /// An address, in brackets if it is a v6 one, with its zone as `%eth0`, and a port if it is not 0.
    mutating func appendInterpolation(
        _ address: IPAddress, port: UInt16, zone: String? = nil
    ) {
        if !address.isV4 { append("[") }
        append(address)
        if let zone {
            append("%")
            for byte in zone.utf8 { append(visible: byte) }
        }
        if !address.isV4 { append("]") }
        if port != 0 {
            append(":")
            append(Int(port))
        }
    }

    /// `10.0.0.1:43210 → 10.0.0.9:80`; v6 addresses in brackets; the local port only if known; the
    /// peer's name in place of its address, if it is to have one.
    mutating func appendInterpolation(
        _ tuple: Tuple, localPort: UInt16 = 0, _ context: RenderContext
    ) {
        let zone = tuple.networkDevice.map { context.name(of: $0) }
        appendInterpolation(tuple.local, port: localPort, zone: zone)
        append(" → ")
        guard let name = context.hostName?(tuple.remote) else {
            return appendInterpolation(tuple.remote, port: tuple.remotePort)
        }
        let shown = 48
        for byte in name.utf8.prefix(shown) { append(visible: byte) }
        if name.utf8.count > shown { append("…") }
        append(":")
        append(Int(tuple.remotePort))
    }

    /// `wrk[4123]`, or `wrk` of several; bytes that a terminal might obey are written as `\x1b`.
    mutating func appendInterpolation(_ process: ProcessID) {
        guard process != .unknown else { return append("-") }
        process.name.forEachByte { append(visible: $0) }
        guard process.pid != 0 else { return }
        append("[")
        append(Int(process.pid))
        append("]")
    }

    /// `wrk[4123]`, or of several `curl, 136 processes, e.g. 4123`.
    mutating func appendInterpolation(_ process: ProcessID, of count: Int) {
        guard count > 1 else { return appendInterpolation(process) }
        self += "\(name: process), \(processes: count)"
        if process.pid != 0 { self += ", e.g. \(Int(process.pid))" }
    }

    /// The name that several processes have; `others` where it is not one.
    mutating func appendInterpolation(name process: ProcessID) {
        guard process.name != ProcessID.Name() else { return append("others") }
        appendInterpolation(ProcessID(pid: 0, name: process.name))
    }

    /// `136 processes`, `1,000+ processes`
    mutating func appendInterpolation(processes count: Int) {
        self += "\(grouped: min(count, DistinctPIDs.limit))"
        self += "\(if: count > DistinctPIDs.limit, "+") processes"
    }

    /// A time in the unit that suits: `12 µs`, `5.6 ms`, `61.2 s`, `3,600.0 s`.
    package mutating func appendInterpolation(duration nanoseconds: UInt64) {
        let microseconds = Double(nanoseconds) / 1000
        if microseconds < 1000 {
            append(Int(microseconds))
            append(" µs")
        } else if microseconds < 1_000_000 {
            append(tenths: microseconds / 1000)
            append(" ms")
        } else {
            let tenths = Int((microseconds / 100_000).rounded())
            append(grouped: tenths / 10)
            append(".")
            append(tenths % 10)
            append(" s")
        }
    }

    /// ` netns blue`; nothing for the namespace that goes without saying.
    mutating func appendInterpolation(netns: UInt32, _ context: RenderContext) {
        guard netns != context.ownNamespace else { return }
        append(" netns ")
        appendInterpolation(nameOf: netns, context)
    }

    mutating func appendInterpolation(nameOf netns: UInt32, _ context: RenderContext) {
        let name = context.namespaceNames[netns] ?? String(netns)
        for byte in name.utf8 { append(visible: byte) }
    }

    /// Replaces what a terminal might obey: `\x1b`.
    package mutating func appendInterpolation(visible text: String) {
        for byte in text.utf8 { append(visible: byte) }
    }

    mutating func append(visible byte: UInt8) {
        if (0x20..<0x7f).contains(byte), byte != UInt8(ascii: "\\") {
            append(byte: byte)
        } else {
            append("\\x")
            append(byte: Self.hex[Int(byte >> 4)])
            append(byte: Self.hex[Int(byte & 15)])
        }
    }

    mutating func appendInterpolation(_ address: IPAddress) { append(address) }

    /// `10.0.0.1 → 10.0.0.9:80`: for logs, which are searched for addresses, not for names.
    mutating func appendInterpolation(_ tuple: Tuple) {
        let zone = tuple.device == 0 ? nil : String(tuple.device)
        self += "\(tuple.local, port: 0, zone: zone) → \(tuple.remote, port: tuple.remotePort)"
    }

    /// `  wrk[4123]`, if there is one.
    mutating func appendInterpolation(top process: ProcessID?) {
        if let process { self += "  \(process)" }
    }

    /// `40000-40003`
    mutating func appendInterpolation(_ range: PortRange?) {
        guard let range else { return append("?") }
        self += "\(Int(range.low))-\(Int(range.high))"
    }

    /// `ports 32768-60999 (3 reserved), tw_reuse 2 after 1,000 ms, max 65,536 TIME_WAITs`
    mutating func appendInterpolation(settings namespace: Summary.NamespaceRow) {
        let rules = namespace.timeWait
        self += "ports \(namespace.range)"
        if namespace.reserved > 0 { self += " (\(grouped: namespace.reserved) reserved)" }
        self += ", tw_reuse \(Int(rules.reuse))"
        if rules.reuse != 0 {
            self +=
                rules.timestamps
                ? " after \(grouped: Int(rules.reuseDelay)) ms" : " without effect (no timestamps)"
        }
        self += ", max \(grouped: Int(rules.limit)) TIME_WAITs"
    }

    /// `full in 14 s at 1,012 ports/s; sustainable: 470/s` (the latter if less than what is opened),
    /// `levels off at 12,400 of 28,232`, or nothing.
    mutating func appendInterpolation(_ forecast: Forecast) {
        guard let seconds = forecast.exhaustedIn else {
            guard let level = forecast.levelsOffAt else { return }
            self += "levels off at \(grouped: level) of \(grouped: forecast.usable)"
            return
        }
        self += seconds == 0 ? "full" : "full in \(roughly: seconds)"
        // Slower than a port in a second, the time says more than the rate.
        if seconds != 0, forecast.netPerSecond >= 1 {
            self += " at \(rate: forecast.netPerSecond) ports/s"
        }
        if let sustainable = forecast.sustainable, sustainable < forecast.opensPerSecond {
            self += "; sustainable: \(rate: sustainable)/s"
        }
    }
}

extension FailedCall.Kind {
    /// The function's name, as a person writes it.
    var function: StaticString { self == .connect ? "connect()" : "bind()" }
}
