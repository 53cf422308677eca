import PortModel
import Testing

@testable import Report

/// What is written can be read again.
@Suite struct RecordingTests {
    private static let start = Sample.json(.start(Sample.start))

    private func read(
        _ text: String, parts: Int = .max, lineLimit: Int = 1 << 20
    ) throws(RecordingProblem) -> [RunReport] {
        var reader = RecordingReader(lineLimit: lineLimit)
        let bytes = Array(text.utf8)
        var place = 0
        while place < bytes.count {
            let part = Array(bytes[place..<min(bytes.count, place + min(parts, bytes.count))])
            try reader.take(part, count: part.count)
            place += part.count
        }
        return try reader.finish()
    }

    private func text(_ runs: [RunReport], columns: Int = 100) -> String {
        Line.text { ReportWriter(.text(columns: columns, colour: false)).write(runs, to: &$0) }
    }

    private func json(_ runs: [RunReport]) -> String {
        Line.text { ReportWriter(.json).write(runs, to: &$0) }
    }

    // MARK: Summaries

    /// Each summary of the sample, read and written again.
    @Test func summariesAreReadAsTheyWereWritten() throws {
        var count = 0
        for case .summary(let summary) in Sample.everyEvent {
            count += 1
            let line = Sample.json(.summary(summary))
            let run = try read(Self.start + line)[0]
            #expect(run.reading == RunReport.Reading() && run.ending == .complete)
            var again = Line()
            JSONWriter().write(
                .summary(run.summary), at: run.endedAt, in: run.surroundings, to: &again)
            #expect(again.text == line)
            var surroundings = Sample.surroundings
            surroundings.ownNamespace = nil
            var ours = run.surroundings
            ours.ownNamespace = nil
            #expect(
                Line.text {
                    TextWriter(colour: false).write(
                        .summary(run.summary), at: 0, in: ours, to: &$0)
                } == Sample.text(.summary(summary), in: surroundings))
        }
        #expect(count > 20)
    }

    /// Of every tenth of a percent, which are cut off when they are written.
    @Test func coverageIsTheSameAgain() throws {
        for permille in 0...1000 {
            let advice = Advice(
                kind: .addAddresses(2), subject: .tuple(Sample.tuple), process: Sample.process,
                failed: 1, peak: 1, usable: 1, covers: Double(permille) / 1000)
            let line = Sample.json(Sample.summary(advising: [advice]))
            let run = try read(Self.start + line)[0]
            #expect(run.summary.advice.map(\.covers) == [advice.covers])
        }
    }

    @Test func theNamespaceOfTheTracerGoesWithoutSaying() throws {
        let line = Sample.json(Sample.namespace(.found)).replacing(
            "4026532200", with: "4026531840")
        let run = try read(Self.start + line)[0]
        #expect(run.surroundings.ownNamespace != nil)
        #expect(
            run.surroundings.namespaceNames[run.surroundings.ownNamespace ?? 0] == "blue")
    }

    // MARK: Events

    @Test func everyEventIsKnown() throws {
        let lines = Sample.everyEvent.map { Sample.json($0) }.filter {
            !$0.hasPrefix(#"{"event":"start""#) && !$0.hasPrefix(#"{"event":"snapshot""#)
        }
        let run = try read(Self.start + lines.joined())[0]
        #expect(run.reading == RunReport.Reading())
        #expect(run.start == Sample.start)
        #expect(run.moments.count { if case .alert = $0.kind { true } else { false } } == 6)
        #expect(
            run.moments.count { if case .firstFailure = $0.kind { true } else { false } } == 10)
        #expect(run.moments.contains { $0.kind == .lost(1) })
        #expect(run.series.count == 2)
    }

    @Test func whatIsNotKnownIsCounted() throws {
        let run = try read(
            Self.start + #"{"event":"weather","time":"x"}"# + "\n"
                + Sample.json(.lost(5)).replacing("}\n", with: #","colour":[{"a":null}]}"# + "\n")
                + "\n" + "garbage\n" + #"{"event":"lost","time":"2026-11-22T17:16:05.123456Z"}"#
                + "\n" + #"{"event":"open","time":"2026-11-22T17:16:05.123456Z" cut"# + "\n")[0]
        #expect(run.reading.unknown == 1 && run.reading.unreadable == 4)
        #expect(run.moments.map(\.kind) == [.lost(5)])
    }

    @Test func aLongLineIsPassedOver() throws {
        let long = "{\"event\":\"" + String(repeating: "x", count: 5000) + "\"}\n"
        let text = Self.start + long + Sample.json(.lost(5)) + long
        for parts in [1, 7, 1000, .max] {
            let run = try read(text, parts: parts, lineLimit: 1000)[0]
            #expect(run.reading.unreadable == 2 && !run.reading.isTruncated)
            #expect(run.moments.map(\.kind) == [.lost(5)])
        }
        #expect(throws: RecordingProblem.foreign) { try read(long, parts: 100, lineLimit: 1000) }
    }

    @Test func whateverThePartsItComesIn() throws {
        let lines = Sample.everyEvent.map { Sample.json($0) }
        let whole = Self.start + lines.filter { !$0.contains(#""event":"start""#) }.joined()
        let expected = json(try read(whole))
        for parts in [1, 2, 3, 64, 1000] {
            #expect(json(try read(whole, parts: parts)) == expected)
        }
    }

    // MARK: What is no recording

    @Test func anEmptyOneIsSaid() {
        #expect(throws: RecordingProblem.empty) { try read("") }
    }

    @Test(arguments: [
        "\n", "hello\n", "{}\n", "{", "[]\n", "\0\0\0\0", #"{"event":"tick"}"#,
        #"{"event":"start"}"#,
        #"{"event":"start","format":1}"# + "\n", "PK\u{3}\u{4}", "<html>\n",
    ]) func aForeignOneIsRefused(text: String) {
        #expect(throws: RecordingProblem.foreign) { try read(text) }
    }

    @Test func aNewerOneIsRefused() {
        #expect(throws: RecordingProblem.newer(version: "1.2.3")) {
            try read(Self.start.replacing(#""format":1"#, with: #""format":2"#))
        }
    }

    // MARK: What breaks off

    /// Cut after any byte, and as if a kill had come there.
    @Test func cutAnywhereItMakesAReport() throws {
        let tick = Sample.json(
            Sample.tick(Load(established: 1, closed: 2, timeWait: 3, failed: 4)))
        let open = Sample.json(Sample.connection(.opened))
        let events: [Event] = Sample.everyEvent.filter { event in
            if case .progress = event { true } else { false }
        }
        let text =
            Self.start + tick + open + events.map { Sample.json($0) }.joined() + open
            + Sample.json(Sample.summary(of: Load(established: 3).ledger()))
        let bytes = Array(text.utf8)
        let starts = Self.start.utf8.count
        let isEnd = bytes.indices.map { $0 + 1 == bytes.count || bytes[$0 + 1] == 0x0a }
        for count in starts...bytes.count {
            let run = try read(String(decoding: bytes[..<count], as: UTF8.self))[0]
            let isWhole = bytes[count - 1] == 0x0a || isEnd[count - 1]
            #expect(run.reading.isTruncated == !isWhole, "\(count)")
            #expect(run.reading.unreadable == 0)
            let said = self.text([run])
            #expect(said.contains("breaks off") == (run.ending != .complete))
            #expect(said.contains("cut off") == !isWhole)
        }
        #expect(try read(text)[0].ending == .complete)
    }

    @Test func severalInARow() throws {
        let one = Self.start + Sample.json(.lost(1))
        let runs = try read(one + one + one)
        #expect(runs.count == 3)
        #expect(runs.allSatisfy { $0.moments.map(\.kind) == [.lost(1)] })
    }
}
