import Testing

@testable import Events
@testable import PortModel
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
        TextBuffer.text {
            ReportWriter(.text(layout: Layout(columns: columns), colour: false)).write(
                runs, to: &$0)
        }
    }

    private func json(_ runs: [RunReport]) -> String {
        TextBuffer.text { ReportWriter(.json).write(runs, to: &$0) }
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
            var again = TextBuffer()
            JSONWriter().write(
                .summary(run.summary), at: run.endedAt, in: run.context, to: &again)
            #expect(again.text == line)
            var context = Sample.context
            context.ownNamespace = nil
            var ours = run.context
            ours.ownNamespace = nil
            #expect(
                Sample.text(.summary(run.summary), in: ours)
                    == Sample.text(.summary(summary), in: context))
        }
        #expect(count > 20)
    }

    /// Of every tenth of a percent, which are cut off when they are written.
    @Test func coverageIsTheSameAgain() throws {
        for permille in 0...1000 {
            let advice = Advice(
                kind: .addAddresses(2), scope: .tuple(Sample.tuple), process: Sample.process,
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
        #expect(run.context.ownNamespace != nil)
        #expect(
            run.context.namespaceNames[run.context.ownNamespace ?? 0] == "blue")
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
            run.moments.count { if case .firstFailure = $0.kind { true } else { false } } == 13)
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

    /// What says which call it was also says whether it has a peer.
    @Test func aFailureHasThePeerOfItsCall() throws {
        let connect = Sample.json(Sample.failure(.exhausted))
        let bind = Sample.json(Sample.failure(.exhausted, .bind))
        let run = try read(
            Self.start + connect.replacing(#""remote":"10.0.0.9","#, with: "")
                + bind.replacing(#","local":"#, with: #","remote":"10.0.0.9","local":"#))[0]
        #expect(run.reading.unreadable == 1)
        #expect(
            run.moments.map(\.kind).allSatisfy {
                if case .firstFailure(let call) = $0 { call.kind == .bind } else { false }
            } && run.moments.count == 1)
    }

    @Test func aLongLineIsPassedOver() throws {
        let long = "{\"event\":\"" + String(repeating: "x", count: 5000) + "\"}\n"
        let text = Self.start + long + Sample.json(.lost(5)) + long
        for parts in [1, 7, 500, 1000] {
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
        let many = String(repeating: Self.start, count: 1001)
        #expect(throws: RecordingProblem.tooMany) { try read(many) }
        #expect(try read(String(many.dropLast(Self.start.count))).count == 1000)
    }

    // MARK: Reports

    private var whole: String {
        Self.start
            + Sample.everyEvent.map { Sample.json($0) }
            .filter { !$0.contains(#""event":"start""#) }.joined()
    }

    /// And nothing that lacks a field, or has one more.
    @Test func aReportIsAsTheSchemaSays() throws {
        let runs = try read(whole) + read(Self.start) + read(Self.start + Sample.json(.lost(1)))
        let line = String(json(runs).dropLast())
        let object = try JSON(line)
        #expect(try Schema.complaints(about: [line], by: "report.schema.json") == [[]])
        let spoilt = object.variants { fields in
            [fields.merging(["colour": .number(1)]) { $1 }]
                + [
                    "hosts", "ending", "summary", "totals", "first", "held", "kind", "level",
                    "count",
                ]
                .filter { fields[$0] != nil }.map { key in fields.filter { $0.key != key } }
        }
        let lines = try spoilt.prefix(400).map { try $0.line() }
        for complaints in try Schema.complaints(about: lines, by: "report.schema.json") {
            #expect(!complaints.isEmpty)
        }
    }

    @Test func theHeadOfAReport() throws {
        let text = text(try read(Self.start + Sample.json(Sample.summary(of: Ledger()))))
        #expect(
            text == """
                portgauge 1.2.3 on web-7, Linux 6.18.44 x86_64, 2 CPUs
                  command    portgauge --record 'a b'
                  traced     2026-11-22 18:16:05 to 18:16:05 (UTC+01:00)

                Summary of 61.2 s
                  connects   0 opened, 0 closed, 0 failed for want of a port
                  ports      0 held at the end
                  accuracy   0 records lost, 0 lines of output dropped

                """)
    }

    @Test func whatIsMissingIsSaid() throws {
        let text = text(
            try read(
                Self.start + "x\n" + #"{"event":"weather"}"# + "\n"
                    + Sample.json(.lost(1)).dropLast(5)))
        #expect(
            text.contains(
                """
                  recording  breaks off before its first summary: there are no causes and no advice
                             its last line is cut off and was left out
                             1 line of it could not be read
                             1 event of kinds that this version does not know

                """))
    }

    /// Two hosts of one name and one of another, side by side as far as there is room.
    @Test func severalHosts() throws {
        let start = Self.start.replacing("web-7", with: "a-much-longer-name-1")
        let ledger = Load(established: 3, timeWait: 2, failed: 5).ledger()
        let summary = Sample.json(Sample.summary(of: ledger, lost: 7))
        let runs = try read(
            Self.start + summary + Self.start + Sample.json(Sample.summary(of: Ledger())) + start
                + summary)
        let wide = text(runs, columns: 140)
        #expect(
            wide.hasPrefix(
                """
                Report of 3 hosts
                  web-7: 2026-11-22 18:16:05 to 18:16:05 (UTC+01:00)
                  web-7#2: 2026-11-22 18:16:05 to 18:16:05 (UTC+01:00)
                  a-much-longer-name-1: 2026-11-22 18:16:05 to 18:16:05 (UTC+01:00)

                                             web-7     web-7#2  a-much-longer-name-1
                  duration                  61.2 s      61.2 s                61.2 s
                  opened                         5           0                     5
                  closed                         2           0                     2
                  no port: connect()             5           0                     5
                """))
        #expect(
            wide.contains(
                """
                   share    peak    held TIME_WAIT    opened   failed  host: tuple, top process
                   0.0 %       5       5         2         5        5  web-7: 10.0.0.1 → 10.0.0.9:80 \
                netns 4026531840  wrk[4123]
                   0.0 %       5       5         2         5        5  a-much-longer-name-1: 10.0.0.1 → \
                10.0.0.9:80 netns 4026531840  wrk[4123]

                  failed  host: call, cause, process, and where from and to
                       5  web-7: connect()  -           wrk[4123]  10.0.0.1 → 10.0.0.9:80 netns \
                4026531840
                """))
        let narrow = text(runs, columns: 60).split(separator: "\n")
        #expect(narrow.count { $0.hasPrefix("  opened  ") } == 2)
        #expect(
            narrow.filter { $0.hasPrefix("  ") && !$0.contains(":") }.allSatisfy { $0.count <= 60 })
    }
}
