import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

/// Recordings of anybody: nothing makes the reader trap, and it reads on after what is spoilt.
@Suite struct HostileRecordingTests {
    private static let lines: [[UInt8]] = Sample.everyEvent.map { Array(Sample.json($0).utf8) }
    private static let start = Array(Sample.json(.start(Sample.start)).utf8)
    private static let last = Array(Sample.json(.lost(77)).utf8)

    /// What JSON readers have tripped over, and numbers that no field has room for.
    private static let pieces: [[UInt8]] =
        [
            "\"", "\\", "{", "}", "[", "]", ",", ":", "\\u", "\\ud800", "\\udc00\\ud800", "\\u0000",
            "null", "true", "-", "-1", "0.5", "1e999", "9223372036854775807",
            "-9223372036854775808", "18446744073709551616", "99999999999999999999999",
            "4503599627370496",
            "65536", "4294967296", "\"2261-12-31T23:59:59.999999Z\"",
            "\"1970-01-01T00:00:00.000000Z\"",
            "\"::\"", "\":::\"", "\"1:2:3:4:5:6:7:8:9\"", "\"255.255.255.255\"", "\"1.2.3\"",
            "\"\"",
            String(repeating: "[", count: 100), String(repeating: "{\"a\":", count: 50), "\n", "\0",
            "\"event\":\"start\"", "\"event\":\"summary\"", "\"format\":2",
        ].map { Array($0.utf8) } + [
            [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5], [0xe2, 0x82],
        ]

    private func spoil(_ line: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var line = line
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !line.isEmpty else { break }
            let place = Int.random(in: 0..<line.count, using: &random)
            let end = min(line.count, place + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0...6, using: &random) {
            case 0: line[place] = .random(in: 0...255, using: &random)
            case 1: line.removeSubrange(place..<end)
            case 2: line.insert(contentsOf: Self.pieces.randomElement(using: &random)!, at: place)
            case 3:
                line.replaceSubrange(place..<end, with: Self.pieces.randomElement(using: &random)!)
            case 4: line.insert(contentsOf: line[place..<end], at: place)
            case 5: line.removeSubrange(place...)
            default: replaceNumber(in: &line, from: place, &random)
            }
        }
        return line
    }

    private func replaceNumber(
        in line: inout [UInt8], from place: Int, _ random: inout SeededGenerator
    ) {
        guard let start = line[place...].firstIndex(where: { (0x30...0x39).contains($0) }) else {
            return
        }
        let end = line[start...].firstIndex { !(0x30...0x39).contains($0) } ?? line.count
        line.replaceSubrange(start..<end, with: Self.pieces.randomElement(using: &random)!)
    }

    private func report(
        _ text: [UInt8], _ random: inout SeededGenerator
    ) throws(RecordingProblem) -> [RunReport] {
        var limits = RunCollector.Limits()
        (limits.points, limits.series, limits.moments, limits.tuples) = (8, 4, 16, 8)
        var reader = RecordingReader(limits: limits, lineLimit: 4096)
        var place = 0
        while place < text.count {
            let end = min(text.count, place + Int.random(in: 1...3000, using: &random))
            try reader.take(Array(text[place..<end]), count: end - place)
            place = end
        }
        return try reader.finish()
    }

    /// Whatever was read can be written, and is bounded.
    private func check(_ runs: [RunReport]) throws {
        let text = ReportWriter.Form.text(layout: Layout(columns: 80), colour: true)
        for form in [text, .json, .html] {
            let text = TextBuffer.text { ReportWriter(form).write(runs, to: &$0) }
            #expect(text.hasSuffix("\n"))
            guard case .json = form else { continue }
            #expect((try? JSON(text)) != nil)
        }
        for run in runs {
            #expect(run.moments.count <= 16 && run.series.count <= 4)
            #expect(run.series.allSatisfy { $0.series.points.count <= 8 })
        }
    }

    @Test(arguments: SeededGenerator.seeds(20)) func spoiltLines(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<20 {
            var text = Self.start
            for _ in 0..<Int.random(in: 1...30, using: &random) {
                let line = Self.lines.randomElement(using: &random)!
                text += Bool.random(using: &random) ? line : spoil(line, &random)
            }
            text += [0x0a] + Self.last
            do {
                let runs = try report(text, &random)
                try check(runs)
                #expect(
                    runs.last.map { $0.momentsOmitted > 0 || $0.moments.last?.kind == .lost(77) }
                        == true)
            } catch let problem as RecordingProblem {
                // A start that was made to say so.
                guard case .newer = problem else { throw problem }
            }
        }
    }

    @Test(arguments: SeededGenerator.seeds(10)) func anyBytes(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<50 {
            var text = Self.start
            for _ in 0..<Int.random(in: 0...400, using: &random) {
                text +=
                    Bool.random(using: &random)
                    ? [UInt8.random(in: 0...255, using: &random)]
                    : Self.pieces.randomElement(using: &random)!
            }
            if let runs = try? report(text + [0x0a] + Self.last, &random) { try check(runs) }
            let foreign = Array(text.dropFirst(Self.start.count))
            if let runs = try? report(foreign, &random) { try check(runs) }
        }
    }

    @Test func nestingIsLimited() throws {
        var random = SeededGenerator(state: 1)
        for depth in [10, 100, 100_000] {
            let nested = "{\"a\":" + String(repeating: "[", count: depth)
            let runs = try report(Self.start + Array(nested.utf8) + [0x0a], &random)
            #expect(runs[0].reading.unreadable == 1)
        }
    }

    // MARK: JSON itself

    @Test(arguments: [
        "{}", #"{"a":1}"#, #" {"a" : [ 1 , -2.5e+3 , true , false , null , "x" , { } ] } "#,
        #"{"\u00e9\ud83d\ude00":"\"\\\/\b\f\n\r\t"}"#, #"{"é":"日😀"}"#, #"{"a":0,"a":-0.0}"#,
    ]) func isJSON(text: String) {
        var document = JSONDocument()
        let isObject = document.load(Array(text.utf8)[...])
        #expect(isObject)
    }

    @Test(arguments: [
        "", " ", "1", "[]", "\"\"", "{", "}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#, #"{,"a":1}"#,
        #"{a:1}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":.5}"#, #"{"a":+1}"#, #"{"a":1e}"#,
        #"{"a":-}"#,
        #"{"a":tru}"#, #"{"a":"\x"}"#, #"{"a":"\u12g4"}"#, #"{"a":"\u12"#, "{\"a\":\"\n\"}",
        #"{"a":1}}"#, #"{"a":1} x"#, #"{"a":[1 2]}"#, #"{"a":[}"#, #"{"a":NaN}"#, "{\"a\":1\0}",
    ]) func isNoJSON(text: String) {
        var document = JSONDocument()
        let isObject = document.load(Array(text.utf8)[...])
        #expect(!isObject)
    }

    @Test func stringsAreUnescaped() throws {
        var document = JSONDocument()
        let text = #"{"a":"x\u00e9\ud83d\ude00\ud800y\n\/é\u0000"}"#
        let isObject = document.load(Array(text.utf8)[...])
        #expect(isObject)
        let node = document.find("a", in: JSONDocument.root)
        #expect(document.string(try #require(node)) == "xé😀\u{fffd}y\n/é\0")
    }

    /// Each is read back as it was written; nothing else is.
    @Test(arguments: SeededGenerator.seeds(5)) func addresses(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        for _ in 0..<500 {
            var address = IPAddress(v4: .random(in: 0 ... .max, using: &random))
            if Bool.random(using: &random) {
                address = IPAddress(high: 0, low: 0)
                for shift in stride(from: UInt64(0), to: 64, by: 16)
                where Bool.random(using: &random) {
                    address.high |= .random(in: 0...0xffff, using: &random) << shift
                    if Bool.random(using: &random) { address.low |= 0xfff << shift }
                }
            }
            let text = TextBuffer("\(address)").bytes
            #expect(IPAddress(text: text[...]) == address)
        }
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1..2.3", ".1.2.3", "1.2.3.", "1.2.3.x", ":",
        ":1",
        "1:", "1:2", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::8", "1::2::3", ":::", "12345::", "g::",
        "::1.2.3.4", "1:::2", "1:2:3:4:5:6:7:8:",
    ]) func noAddresses(text: String) {
        #expect(IPAddress(text: Array(text.utf8)[...]) == nil)
    }

    @Test func times() {
        let timestamps = Timestamps(realtimeOffset: 0, localOffset: 0)
        var random = SeededGenerator(state: 7)
        for _ in 0..<1000 {
            let time = UInt64.random(in: 0..<9_200_000_000_000_000, using: &random) * 1000
            let text = Array(TextBuffer.text { timestamps.appendUTC(time, to: &$0) }.utf8)
            #expect(Timestamps.read(text[...]) == time)
        }
        for text in [
            "2026-11-22T17:16:05.12345Z", "2026-13-22T17:16:05.123456Z",
            "2026-11-22T24:16:05.123456Z",
            "2026-11-22 17:16:05.123456Z", "2026-11-22T17:16:05.123456z",
            "2262-11-22T17:16:05.123456Z",
            "-026-11-22T17:16:05.123456Z",
        ] { #expect(Timestamps.read(Array(text.utf8)[...]) == nil) }
    }
}
