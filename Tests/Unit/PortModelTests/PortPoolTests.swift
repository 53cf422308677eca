import PortModel
import TestSupport
import Testing

@Suite struct PortPoolTests {
    @Test(
        arguments: [
            (0, 65_535), (40_000, 40_007), (63, 64), (64, 127), (1, 1), (60_999, 32_768), (0, 63),
            (65_535, 65_535),
        ] as [(UInt16, UInt16)]) func countsPortsOfARange(low: UInt16, high: UInt16)
    {
        var generator = SeededGenerator(state: UInt64(low) << 16 | UInt64(high))
        var set = PortSet()
        var members: Set<UInt16> = [0, 63, 64, 65_535]
        for _ in 0..<5000 { members.insert(UInt16.random(in: 0...65_535, using: &generator)) }
        for port in members { set.insert(port) }
        let range = PortRange(low: low, high: high)
        #expect(set.count(in: range) == members.count { $0 >= low && $0 <= high })
        #expect(range.count == (low...max(low, high)).count - (low > high ? 1 : 0))
        #expect(
            PortPool(range: range, reserved: set).usable(of: range)
                == range.count - members.count { $0 >= low && $0 <= high })
    }

    private func set(_ ports: [UInt16]) -> PortSet {
        var set = PortSet()
        for port in ports { set.insert(port) }
        return set
    }

    /// Against sets of the standard library.
    @Test(arguments: SeededGenerator.seeds(4)) func setsAreSets(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        func some() -> [UInt16] {
            [0, 63, 64, 65_535].filter { _ in Bool.random(using: &generator) }
                + (0..<300).map { _ in UInt16.random(in: 39_900...40_200, using: &generator) }
        }
        let (a, b) = (some(), some())
        let range = PortRange(
            low: UInt16.random(in: 39_950...40_050, using: &generator),
            high: UInt16.random(in: 40_040...40_150, using: &generator))
        #expect(set(a).union(set(b)) == set(a + b))
        #expect(set(a).subtracting(set(b)) == set(a.filter { !b.contains($0) }))
        #expect(set(a).limited(to: range) == set(a.filter(range.contains)))
        #expect(set(a).union(PortSet()) == set(a) && set(a).subtracting(set(a)) == PortSet())
        #expect(set(a).limited(to: PortRange(low: 2, high: 1)) == PortSet())
        for port in a + b { #expect(set(a).contains(port) == a.contains(port)) }
    }

    @Test func whatIsReservedAndBoundCountsOnce() {
        let range = PortRange(low: 40_000, high: 40_007)
        var pool = PortPool(
            range: range, reserved: set([39_999, 40_001, 40_002]),
            bound: set([40_002, 40_003, 50_000]))
        #expect(pool.usable(of: range) == 5)
        #expect(pool.reservedInRange == 2 && pool.boundInRange == 1)
        #expect(pool.usable(of: PortRange(low: 40_002, high: 40_004)) == 1)
        #expect(pool.usable(of: PortRange(low: 40_001, high: 40_003)) == 0)
        pool.bound = PortSet()
        #expect(pool.usable(of: range) == 6 && pool.boundInRange == 0)
        pool.reserved = set(Array(40_000...40_007))
        #expect(pool.usable(of: range) == 0 && pool.reservedInRange == 8)
    }
}
