import Foundation
import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

/// Names and addresses of any bytes, in both forms.
@Suite struct HostileTextTests {
    /// What terminals, JSON and line readers take for more than a letter, and broken UTF-8.
    private static let pieces: [[UInt8]] = {
        let texts = [
            "\u{1b}[31m", "\u{1b}]0;x\u{7}", "\"", "\\", "\n", "\r", "\t", "\u{7f}", "\u{85}",
            "\u{9b}31m", "\u{2028}", "\u{2029}", "\u{202e}", "\u{feff}", "é", "日", "😀", "a", "-",
        ]
        let broken: [[UInt8]] = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f], [0xe2]]
        return texts.map { Array($0.utf8) } + broken
    }()

    private func bytes(_ count: Int, _ random: inout SeededGenerator) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            bytes +=
                Bool.random(using: &random)
                ? Self.pieces.randomElement(using: &random)!
                : [UInt8.random(in: 1...255, using: &random)]
        }
        return Array(bytes.prefix(count))
    }

    private func address(_ random: inout SeededGenerator) -> IPAddress {
        IPAddress(
            high: UInt64.random(in: 0 ... .max, using: &random)
                >> UInt64.random(
                    in: 0...64, using: &random),
            low: UInt64.random(in: 0 ... .max, using: &random)
                >> UInt64.random(
                    in: 0...64, using: &random))
    }

    private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value) && scalar != "\u{2028}"
            && scalar != "\u{2029}"
    }

    @Test(arguments: SeededGenerator.seeds(3)) func nothingReachesTheTerminal(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        var lines: [String] = []
        for _ in 0..<200 {
            let process = Sample.process(bytes(Int.random(in: 1...15, using: &random), &random))
            var tuple = Sample.tupleV6
            (tuple.local, tuple.remote) = (address(&random), address(&random))
            var context = Sample.context
            let name = bytes(Int.random(in: 1...255, using: &random), &random)
            context.namespaceNames = [tuple.netns: String(decoding: name, as: UTF8.self)]
            context.timestamps.realtimeOffset = .random(in: 0 ... .max, using: &random)
            let lived = UInt64.random(in: 0 ... .max, using: &random)
            let change = Change.Kind.closed(timeWait: false, lived: lived, error: nil)
            let load = Load(tuple: tuple, process: process, established: 1, failed: 1)
            for event in [
                Sample.connection(change, tuple: tuple, process: process),
                Sample.failure(.exhausted, process: process), Sample.summary(of: load.ledger()),
            ] {
                let json = Sample.json(event, in: context)
                #expect(json.dropLast().unicodeScalars.allSatisfy(isHarmless), "\(json)")
                lines.append(String(json.dropLast()))
                let text = Sample.text(event, in: context)
                let words = text.unicodeScalars.filter { $0 != "\n" }
                #expect(words.allSatisfy(isHarmless), "\(text)")
                // All that is not ours is ASCII.
                #expect(words.allSatisfy { $0.isASCII || "→µ".unicodeScalars.contains($0) })
                let coloured = Sample.text(event, colour: true, in: context)
                #expect(coloured.replacing(/\u{1b}\[(1;31|33|2|1)?m/, with: "") == text)
            }
        }
        for (line, complaints) in zip(lines, try Schema.complaints(about: lines)) {
            #expect(complaints == [], "\(line)")
        }
    }
}
