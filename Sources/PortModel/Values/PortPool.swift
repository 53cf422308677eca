/// A range of ports, both ends included, as `ip_local_port_range` has it.
package struct PortRange: Hashable, Sendable {
    package var low: UInt16
    package var high: UInt16

    package init(low: UInt16, high: UInt16) { (self.low, self.high) = (low, high) }

    package func contains(_ other: PortRange) -> Bool { low <= other.low && other.high <= high }

    package func contains(_ port: UInt16) -> Bool { low <= port && port <= high }

    package var count: Int { high >= low ? Int(high) - Int(low) + 1 : 0 }

    /// The words of a `PortSet` that it extends over, and which of their bits.
    fileprivate var words: [(index: Int, mask: UInt64)] {
        guard count > 0 else { return [] }
        let first = Int(low) >> 6
        let last = Int(high) >> 6
        return (first...last).map { index in
            (
                index,
                (index == first ? ~0 << UInt64(low & 63) : ~0)
                    & (index == last ? ~0 >> UInt64(63 - high & 63) : ~0)
            )
        }
    }
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

    /// - Parameter index: of one of the 1024 words.
    package mutating func set(_ index: Int, to word: UInt64) {
        if words[index] != word { words[index] = word }
    }

    package func contains(_ port: UInt16) -> Bool {
        words[Int(port) >> 6] >> UInt64(port & 63) & 1 == 1
    }

    package mutating func insert(_ port: UInt16) { words[Int(port) >> 6] |= 1 << UInt64(port & 63) }

    package func count(in range: PortRange) -> Int {
        range.words.reduce(0) { $0 + (words[$1.index] & $1.mask).nonzeroBitCount }
    }

    package func subtracting(_ other: PortSet) -> PortSet {
        var rest = self
        for index in words.indices where words[index] & other.words[index] != 0 {
            rest.words[index] &= ~other.words[index]
        }
        return rest
    }

    package func union(_ other: PortSet) -> PortSet {
        var both = self
        for index in words.indices where other.words[index] & ~words[index] != 0 {
            both.words[index] |= other.words[index]
        }
        return both
    }

    package func limited(to range: PortRange) -> PortSet {
        var limited = PortSet()
        for (index, mask) in range.words where words[index] & mask != 0 {
            limited.words[index] = words[index] & mask
        }
        return limited
    }
}

/// The ports connect() may choose from in one network namespace.
package struct PortPool: Hashable, Sendable {
    /// `ip_local_port_range`.
    package var range: PortRange
    /// `ip_local_reserved_ports`: never chosen, though a bind may still name them.
    package var reserved: PortSet { didSet { blocked = reserved.union(bound) } }
    /// Ports of the range that a bind() holds: connect() passes them over for every destination.
    package var bound: PortSet { didSet { blocked = reserved.union(bound) } }
    /// Either of both.
    package private(set) var blocked: PortSet

    package init(range: PortRange, reserved: PortSet = PortSet(), bound: PortSet = PortSet()) {
        self.range = range
        self.reserved = reserved
        self.bound = bound
        blocked = reserved.union(bound)
    }

    package var reservedInRange: Int { reserved.count(in: range) }

    /// Ports of the namespace's range that a bind() holds, and that are not reserved.
    package var boundInRange: Int { blocked.count(in: range) - reservedInRange }

    /// Ports of `range`, which may be narrower than the namespace's own, that connect() may take.
    package func usable(of range: PortRange) -> Int { range.count - blocked.count(in: range) }
}
