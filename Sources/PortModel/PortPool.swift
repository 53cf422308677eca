/// A range of ports, both ends included, as `ip_local_port_range` has it.
package struct PortRange: Hashable, Sendable {
    package var low: UInt16
    package var high: UInt16

    package init(low: UInt16, high: UInt16) {
        self.low = low
        self.high = high
    }

    package func contains(_ other: PortRange) -> Bool { low <= other.low && other.high <= high }

    package var count: Int { high >= low ? Int(high) - Int(low) + 1 : 0 }
}

/// A set of ports: a bit for each of the 65,536, port 0 in the least significant bit of word 0.
package struct PortSet: Hashable, Sendable {
    package private(set) var words: [UInt64]

    private static let none = [UInt64](repeating: 0, count: 1024)

    package init() { words = Self.none }

    /// - Parameter words: exactly 1024.
    package init?(words: [UInt64]) {
        guard words.count == 1024 else { return nil }
        // Most are empty, and can share their 8 KiB.
        self.words = words == Self.none ? Self.none : words
    }

    package mutating func insert(_ port: UInt16) {
        words[Int(port) >> 6] |= 1 << UInt64(port & 63)
    }

    /// How many ports of `range` are in the set.
    package func count(in range: PortRange) -> Int {
        guard range.count > 0 else { return 0 }
        let first = Int(range.low) >> 6
        let last = Int(range.high) >> 6
        var total = 0
        for index in first...last {
            var word = words[index]
            if index == first { word &= ~0 << UInt64(range.low & 63) }
            if index == last { word &= ~0 >> UInt64(63 - range.high & 63) }
            total += word.nonzeroBitCount
        }
        return total
    }
}

/// The ports connect() may choose from in one network namespace.
package struct PortPool: Hashable, Sendable {
    /// `ip_local_port_range`.
    package var range: PortRange
    /// `ip_local_reserved_ports`: never chosen, though a bind may still name them.
    package var reserved: PortSet

    package init(range: PortRange, reserved: PortSet = PortSet()) {
        self.range = range
        self.reserved = reserved
    }

    /// Ports of the namespace's range that are reserved.
    package var reservedInRange: Int { reserved.count(in: range) }

    /// Ports of `range`, which may be narrower than the namespace's own, that are not reserved.
    package func usable(of range: PortRange) -> Int {
        range.count - reserved.count(in: range)
    }
}
