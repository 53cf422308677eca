import ArgumentParser
import Foundation
import Probe
import TestSupport
import Testing

@testable import portgauge

/// Whatever is typed: it is taken for what it says, or refused.
@Suite struct HostileOptionTests {
    /// What options are made of, and what they are not.
    private static let pieces = [
        "10.0.0.1", "::1", "::", "0.0.0.0", "::ffff:1.2.3.4", "fe80::1%lo", "[", "]", "/", ":", ",",
        "0", "8", "33", "128", "129", "65535", "65536", "99999999999999999999", "-1", "+1", "1e300",
        "1e-300", "nan", "inf", "0x10", ".", "50", "100", "101", " ", "", "\n", "\u{301}",
        "\u{fe0f}", "🇦🇶", "é", "\u{202e}", "%s", "a",
    ]

    @Test(arguments: SeededGenerator.seeds(4)) func takenOrRefused(seed: UInt64) throws {
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
            if let seconds = try? DurationOption.duration(text) {
                #expect(seconds > 0 && seconds <= 1e9, "\(text)")
            }
            if let levels = try? TracingOptions.thresholds(text) {
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
        #expect(try TracingOptions.thresholds(many) == [50, 66, 90])
    }
}
