/// An IPv4 or IPv6 address. IPv4 is kept in its mapped form (`::ffff:a.b.c.d`), because a v6 socket
/// that speaks IPv4 draws on the same ports as a v4 one.
package struct IPAddress: Hashable, Comparable, Sendable {
    /// The first eight bytes, the first byte in the most significant place.
    package var high: UInt64
    /// The last eight bytes, likewise.
    package var low: UInt64

    package init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// An IPv4 address; `value` has its first byte in the most significant place.
    package init(v4 value: UInt32) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(value)) }

    package var isV4: Bool { high == 0 && low >> 32 == 0xffff }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool { isV4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

    /// 0.0.0.0 or ::, with which a bind() means all local addresses.
    package var isAny: Bool { high == 0 && (low == 0 || low == 0xffff_0000_0000) }

    /// Whether a bind() to one keeps the other from the same port: `::` takes in both families.
    package func overlaps(_ other: IPAddress) -> Bool {
        if self == other { return true }
        let unspecified = IPAddress(high: 0, low: 0)
        if self == unspecified || other == unspecified { return true }
        return (isAny || other.isAny) && isV4 && other.isV4
    }

    /// The group at `index` (0…7) of the eight that a v6 address is written in.
    package func group(_ index: Int) -> UInt16 {
        let half = index < 4 ? high : low
        return UInt16(truncatingIfNeeded: half >> UInt64(48 - 16 * (index & 3)))
    }

    /// The longest run of two or more zero groups, which RFC 5952 writes as `::`; empty if none.
    package var longestZeroRun: Range<Int> {
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || group(index) != 0 {
            if index - start > max(best.count, 1) { best = start..<index }
            start = index + 1
        }
        return best
    }

    package static func < (a: IPAddress, b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
