extension PortSet {
    /// Reads what `ip_local_reserved_ports` has: `8080,9000-9100`, or nothing at all; nil for anything
    /// else, such as a range that ends before it begins.
    package init?(list text: some StringProtocol) {
        self.init()
        guard !text.isEmpty else { return }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
            guard let low = Self.port(ends[0]), let high = Self.port(ends[ends.count - 1]),
                low <= high
            else { return nil }
            insert(PortRange(low: low, high: high))
        }
    }

    private static func port(_ text: some StringProtocol) -> UInt16? {
        guard text.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        return UInt16(text)
    }

    package mutating func insert(_ range: PortRange) {
        guard range.count > 0 else { return }
        for port in range.low...range.high { insert(port) }
    }

    /// The fewest ranges that hold the same ports, in order.
    package var ranges: [PortRange] {
        var ranges: [PortRange] = []
        for port in 0...UInt16.max where contains(port) {
            if let last = ranges.last, last.high == port &- 1, port > 0 {
                ranges[ranges.count - 1].high = port
            } else {
                ranges.append(PortRange(low: port, high: port))
            }
        }
        return ranges
    }

    /// The list that `ip_local_reserved_ports` takes.
    package var list: String {
        ranges.map { $0.count == 1 ? "\($0.low)" : "\($0.low)-\($0.high)" }.joined(separator: ",")
    }
}
