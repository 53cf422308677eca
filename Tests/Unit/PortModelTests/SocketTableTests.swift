import TestSupport
import Testing

@testable import PortModel

@Suite struct SocketTableTests {
    /// Cookies that count up and addresses of slab objects, put in and taken out at random, against
    /// a dictionary.
    @Test(arguments: 1...5 as ClosedRange<UInt64>) func agreesWithADictionary(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var table = SocketTable(filler: -1)
        var twin: [UInt64: Int] = [:]
        for step in 0..<30_000 {
            let number = UInt64.random(in: 1...4000, using: &random)
            let identity =
                Bool.random(using: &random) ? number : 0xffff_8880_0000_0000 + number * 288
            if let place = table.find(identity) {
                #expect(table[place] == twin[identity])
                if Bool.random(using: &random) {
                    #expect(table.remove(at: place) == twin.removeValue(forKey: identity))
                } else {
                    table[place] = step
                    twin[identity] = step
                }
            } else {
                #expect(twin[identity] == nil)
                table.insert(step, for: identity)
                twin[identity] = step
            }
        }
        for (identity, value) in twin { #expect(table.find(identity).map { table[$0] } == value) }
        #expect(table.find(0) == nil && table.find(5000) == nil)
        #expect(twin.count > 1000)
    }
}
