import PortModel

extension TextBuffer {
    /// `10.0.0.1:43210 → 10.0.0.9:80`; v6 addresses in brackets; the local port only if known; the
    /// peer's name in place of its address, if it is to have one.
    mutating func append(_ tuple: Tuple, localPort: UInt16 = 0, _ context: RenderContext) {
        append(tuple.local, port: localPort)
        append(" → ")
        guard let name = context.hostName?(tuple.remote) else {
            return append(tuple.remote, port: tuple.remotePort)
        }
        let shown = 48
        for byte in name.utf8.prefix(shown) { append(visible: byte) }
        if name.utf8.count > shown { append("…") }
        append(":")
        append(Int(tuple.remotePort))
    }

    /// `40000-40003`
    mutating func append(_ range: PortRange?) {
        guard let range else { return append("?") }
        append(Int(range.low))
        append("-")
        append(Int(range.high))
    }

    /// `of 32768-60999: 1,024 reserved, 20,000 bound`
    mutating func append(_ limit: Failure.Limit?) {
        guard let limit else { return append("the range is taken") }
        append("of ")
        append(limit.range)
        append(": ")
        if limit.reserved > 0 {
            append(grouped: limit.reserved)
            append(limit.bound > 0 ? " reserved, " : " reserved")
        }
        if limit.bound > 0 {
            append(grouped: limit.bound)
            append(" bound")
        }
    }

    /// `envoy[12] 19,998, java[7] 2`
    mutating func append(_ holders: [Failure.Holder]) {
        for (index, holding) in holders.enumerated() {
            if index > 0 { append(", ") }
            append(holding.process)
            append(" ")
            append(grouped: holding.ports)
        }
    }

    /// An address, in brackets if it is a v6 one, and a port if it is not 0.
    mutating func append(_ address: IPAddress, port: UInt16) {
        if !address.isV4 { append("[") }
        append(address)
        if !address.isV4 { append("]") }
        if port != 0 {
            append(":")
            append(Int(port))
        }
    }

    /// `wrk[4123]`; bytes that a terminal might obey are written as `\x1b`.
    mutating func append(_ process: ProcessID) {
        guard process != .unknown else { return append("-") }
        process.name.forEachByte { append(visible: $0) }
        append("[")
        append(Int(process.pid))
        append("]")
    }

    /// In the unit that suits: `12 µs`, `5.6 ms`, `61.2 s`, `3,600.0 s`.
    mutating func append(duration nanoseconds: UInt64) {
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

    /// Nothing for the namespace that goes without saying.
    mutating func append(namespaceOf tuple: Tuple, _ context: RenderContext) {
        append(namespace: tuple.netns, context)
    }

    mutating func append(namespace netns: UInt32, _ context: RenderContext) {
        guard netns != context.ownNamespace else { return }
        append(" netns ")
        append(nameOf: netns, context)
    }

    mutating func append(nameOf netns: UInt32, _ context: RenderContext) {
        let name = context.namespaceNames[netns] ?? String(netns)
        for byte in name.utf8 { append(visible: byte) }
    }

    /// `ports 32768-60999 (3 reserved), tw_reuse 2 after 1,000 ms, max 65,536 TIME_WAITs`
    mutating func append(settings namespace: Summary.NamespaceRow) {
        append("ports ")
        append(namespace.range)
        if namespace.reserved > 0 {
            append(" (")
            append(grouped: namespace.reserved)
            append(" reserved)")
        }
        let rules = namespace.timeWait
        append(", tw_reuse ")
        append(Int(rules.reuse))
        if rules.reuse != 0, rules.timestamps {
            append(" after ")
            append(grouped: Int(rules.reuseDelay))
            append(" ms")
        } else if rules.reuse != 0 {
            append(" without effect (no timestamps)")
        }
        append(", max ")
        append(grouped: Int(rules.limit))
        append(" TIME_WAITs")
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
}

extension FailedCall {
    /// As the program got it. Of one that was not told, what it nearly always is.
    var errnoName: StaticString {
        if cause == .noMemory { return "ENOMEM" }
        return kind == .connect ? "EADDRNOTAVAIL" : "EADDRINUSE"
    }

    var causeName: String { cause?.rawValue ?? "-" }
}
