import PortModel
import TestSupport
import Testing

@Suite struct PortSetRangesTests {
    @Test(arguments: [
        "", "1", "1,5-9", "0-65535", "0", "65535", "63-64,66", "8080,9000-9100,65534-65535",
    ]) func listsAreKept(list: String) {
        #expect(PortSet(list: list)?.list == list)
    }

    @Test func listsAreNormalised() {
        #expect(PortSet(list: "9,5-7,6-8,1")?.list == "1,5-9")
        #expect(PortSet(list: "00080")?.list == "80")
    }

    @Test(arguments: [
        ",", "1,", ",1", "1,,2", "-", "1-", "-1", "9-5", "1-2-3", "65536", "+1", " 1", "1 ", "a",
        "1;2", "1-65536", "٣", "1\n",
    ]) func whatIsNoList(text: String) {
        #expect(PortSet(list: text) == nil)
    }

    @Test(arguments: SeededGenerator.seeds(8)) func againstPlainSets(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        func some() -> Set<UInt16> {
            Set((0..<100).map { _ in UInt16.random(in: 0...300, using: &random) })
        }
        let (a, b) = (some(), some())
        var (left, right) = (PortSet(), PortSet())
        for port in a { left.insert(port) }
        for port in b { right.insert(port) }
        let union = left.union(right)
        #expect((0...UInt16.max).filter(union.contains) == a.union(b).sorted())
        #expect(union.ranges.flatMap { Array($0.low...$0.high) } == a.union(b).sorted())
        #expect(PortSet(list: union.list) == union)
    }
}
