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
}
