import ArgumentParser
import Foundation
import Probe
import Testing

@testable import portgauge

/// Whatever is typed: it is taken for what it says, or refused.
@Suite struct HostileOptionTests {
    /// SplitMix64.
    private struct SeededGenerator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
            return mixed ^ (mixed >> 31)
        }
    }

    /// Some that are the same in each run, and a new one; or only that of PORTGAUGE_SEED, to see
    /// again what a test has printed.
    static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["PORTGAUGE_SEED"].flatMap(UInt64.init) {
            return [seed]
        }
        return Array(1...4) + [UInt64.random(in: 100 ... .max)]
    }()

    /// What options are made of, and what they are not.
    private static let pieces = [
        "10.0.0.1", "::1", "::", "0.0.0.0", "::ffff:1.2.3.4", "fe80::1%lo", "[", "]", "/", ":", ",",
        "0", "8", "33", "128", "129", "65535", "65536", "99999999999999999999", "-1", "+1", "1e300",
        "1e-300", "nan", "inf", "0x10", ".", "50", "100", "101", " ", "", "\n", "\u{301}",
        "\u{fe0f}", "🇦🇶", "é", "\u{202e}", "%s", "a",
    ]

    @Test(arguments: seeds) func takenOrRefused(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var taken = 0
        for _ in 0..<5000 {
            let count = Int.random(in: 0...6, using: &random)
            let text = (0..<count).map { _ in Self.pieces.randomElement(using: &random)! }.joined()
            let digits = text.utf8.filter { (0x30...0x39).contains($0) }.count
            if let remote = try? Probe.Filter.Remote(parsing: text) {
                taken += 1
                #expect((0...128).contains(remote.prefixBits), "\(text)")
                #expect(!remote.address.isV4 || remote.prefixBits >= 96, "\(text)")
                #expect(text.utf8.allSatisfy { "0123456789abcdef.:/[]".utf8.contains($0) })
                #expect(text.hasSuffix("\(remote.port)") || remote.port == 0, "\(text)")
            }
            if let seconds = try? TraceCommand.duration(text) {
                #expect(seconds > 0 && seconds <= 1e9, "\(text)")
            }
            if let levels = try? TraceCommand.thresholds(text) {
                #expect(Set(levels) == Set(text.split(separator: ",").compactMap { Int($0) }))
                #expect(levels.allSatisfy { (1...100).contains($0) }, "\(text)")
            }
            if let pid = try? FilterOptions.pid(text) {
                #expect(pid > 0 && digits == text.utf8.count, "\(text)")
            }
            if let name = try? FilterOptions.name(text) {
                var bytes: [UInt8] = []
                name.forEachByte { bytes.append($0) }
                #expect(Array(text.utf8.prefix(15)) == bytes, "\(text)")
            }
        }
        #expect(taken > 0)
    }

    /// The watch tells no more than 255 apart.
    @Test func thresholdsAreToldOnce() throws {
        let many = Array(repeating: "50,90,66", count: 300).joined(separator: ",")
        #expect(try TraceCommand.thresholds(many) == [50, 66, 90])
    }
}
