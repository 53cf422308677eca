import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

/// Text in terminals from 40 to 200 columns.
@Suite struct LayoutTests {
    /// Several events by one writer, as they follow each other.
    private func text(_ events: [Event], columns: Int?) -> String {
        var line = TextBuffer()
        var writer = TextWriter(colour: false, layout: Layout(columns: columns))
        for event in events {
            writer.write(event, at: Sample.time, in: Sample.context, to: &line)
        }
        return line.text
    }

    private static let few = [
        Sample.connection(.established),
        Sample.connection(.closed(timeWait: true, lived: 5_600_000, error: nil)),
        Sample.failure(.exhausted, repeated: 1234),
        Sample.tick(Load(established: 1, timeWait: 2, failed: 3)),
    ]

    // MARK: Lines of events

    @Test func inStacks() {
        #expect(
            text(Self.few, columns: 40) == """
                18:16:05.123 established
                  10.0.0.1:43210 → 10.0.0.9:80
                  14,117/28,232 wrk[4123]
                18:16:05.123 close
                  10.0.0.1:43210 → 10.0.0.9:80
                  14,117/28,232 wrk[4123] 5.6 ms
                  TIME_WAIT
                18:16:05.123 FAILURE
                  10.0.0.1 → 10.0.0.9:80
                  28,232/28,232 wrk[4123]
                  1,234 x connect(): EADDRNOTAVAIL,
                  exhausted: 28,000 in TIME_WAIT;
                  searched 12.3 ms
                18:16:05.123 1 s
                  10.0.0.1 → 10.0.0.9:80       3/28,232
                  +3 -2 failed 3 tw 2

                """)
    }

    @Test func inTheWidthOfOldTerminals() {
        #expect(
            text(Self.few, columns: 80) == """
                18:16:05.123 established 10.0.0.1:43210 → 10.0.0.9:80 14,117/28,232 wrk[4123]
                18:16:05.123 close       10.0.0.1:43210 → 10.0.0.9:80 14,117/28,232
                             wrk[4123] 5.6 ms TIME_WAIT
                18:16:05.123 FAILURE     10.0.0.1 → 10.0.0.9:80       28,232/28,232 wrk[4123]
                             1,234 x connect(): EADDRNOTAVAIL, exhausted: 28,000 in TIME_WAIT;
                             searched 12.3 ms
                18:16:05.123 1 s         10.0.0.1 → 10.0.0.9:80       3/28,232
                             +3 -2 failed 3 tw 2

                """)
    }

    @Test(arguments: [100, 140, 200]) func asInAFileWhereThereIsRoom(columns: Int) {
        #expect(text(Self.few, columns: columns) == text(Self.few, columns: nil))
    }

    /// The column grows once; what is longer than it can ever be stands alone.
    @Test func longTuplesLeaveTheFiguresInOneColumn() {
        let events = [
            Self.few[0], Sample.connection(.established, tuple: Sample.tupleV6), Self.few[0],
        ]
        #expect(
            text(events, columns: 120) == """
                18:16:05.123 established 10.0.0.1:43210 → 10.0.0.9:80       14,117/28,232 wrk[4123]
                18:16:05.123 established [2001:db8::1]:43210 → [2001:db8::9]:443  14,117/28,232 \
                wrk[4123] netns blue
                18:16:05.123 established 10.0.0.1:43210 → 10.0.0.9:80             14,117/28,232 wrk[4123]

                """)
        var long = Sample.tupleV6
        long.remote.low = 0x0123_4567_89ab_cdef
        let lines = text(
            [Self.few[0], Sample.connection(.established, tuple: long), Self.few[0]], columns: 100
        ).split(separator: "\n")
        #expect(lines.map { $0.contains("14,117/28,232") } == [true, false, true, false, true])
        // The first one was written before the column grew.
        #expect(lines[2].hasPrefix(String(repeating: " ", count: 72) + "14,117"))
        #expect(lines[4].dropFirst(72).hasPrefix("14,117"))
    }

    // MARK: Tables

    private static let summary: Event = {
        var ledger = Load(
            established: 1000, closed: 250, timeWait: 3000, errors: [111: 1], failed: 1234
        ).ledger()
        Load(tuple: Sample.tupleV6, closed: 5, failed: 2).fold(into: &ledger, first: 100_000)
        return Sample.summary(of: ledger)
    }()

    private func table(columns: Int) -> Substring {
        let text = Sample.text(Self.summary, columns: columns)
        return text.split(separator: "\n\n")[1]
    }

    @Test func tableWithItsLabelsBelow() {
        #expect(
            table(columns: 80) == """
                   share    peak    held TIME_WAIT    opened   failed
                          tuple, top process
                  14.1 %   4,000   4,000     3,000     4,251    1,234
                          10.0.0.1 → 10.0.0.9:80  wrk[4123]
                                                           1  of them ECONNREFUSED
                   0.0 %       1       0         0         5        2
                          [2001:db8::1] → [2001:db8::9]:443 netns blue  wrk[4123]
                """)
    }

    @Test func tableInSentences() {
        #expect(
            table(columns: 40) == """
                  tuple, top process
                  10.0.0.1 → 10.0.0.9:80  wrk[4123]
                    share 14.1 %, peak 4,000, held
                    4,000, TIME_WAIT 3,000, opened
                    4,251, failed 1,234
                    1  of them ECONNREFUSED
                  [2001:db8::1] → [2001:db8::9]:443
                    netns blue  wrk[4123]
                    share 0.0 %, peak 1, held 0,
                    TIME_WAIT 0, opened 5, failed 2
                """)
    }

    // MARK: All of it

    private static let everything =
        TextWriterTests.lines.map(\.0) + [
            summary, Sample.summary(advising: Sample.everyAdvice),
            Sample.snapshot(of: Load(established: 3, timeWait: 9).ledger(), source: .sockDiag),
            Sample.snapshot(of: Ledger()),
        ]

    /// Only what cannot be broken is wider: a command, to be copied, or a word.
    @Test(arguments: [40, 41, 55, 56, 67, 68, 80, 99, 100, 120, 160, 200])
    func nothingIsWiderOrMissing(columns: Int) {
        for event in Self.everything {
            let text = Sample.text(event, columns: columns)
            for line in text.split(separator: "\n") where line.count > columns {
                let words = line.split(separator: " ")
                #expect(words[0] == "sysctl" || words[0].hasPrefix("setsockopt("), "\(line)")
            }
            let coloured = Sample.text(event, colour: true, columns: columns)
            #expect(coloured.withoutEscapes == text)
        }
        let events = TextWriterTests.lines.map(\.0)
        #expect(words(of: text(events, columns: columns)) == words(of: text(events, columns: nil)))
    }

    private func words(of text: String) -> [Substring] {
        text.split { $0 == " " || $0 == "\n" }
    }

    // MARK: Breaking

    static let broken: [(String, Int, String)] = [
        ("one two", 7, "one two"), ("one two", 6, "one\n  two"), ("", 1, ""),
        ("  one  two", 7, "  one\n  two"), ("longest", 3, "longest"),
        ("a longest b", 3, "a\n  longest\n  b"), ("took 5.6 ms", 9, "took\n  5.6 ms"),
        ("a 5 sheep", 7, "a 5\n  sheep"), ("to a → b", 7, "to\n  a → b"),
        ("to abc → def", 8, "to abc →\n  def"), ("ab netns b", 9, "ab\n  netns b"),
        ("one two\nthree\n", 6, "one\n  two\nthree\n"),
        ("\u{1b}[1mone\u{1b}[m two", 7, "\u{1b}[1mone\u{1b}[m two"),
    ]

    @Test(arguments: broken) func linesBreakAtSpaces(text: String, width: Int, expected: String) {
        var line = TextBuffer()
        line.append("before\n")
        let start = line.bytes.count
        line.append(text)
        line.fold(since: start, width: width, indent: 2)
        #expect(line.text == "before\n" + expected)
    }

    @Test func anotherWidthIsTakenUp() {
        var line = TextBuffer()
        var writer = TextWriter(colour: false, layout: Layout(columns: 200))
        writer.resize(columns: 40)
        writer.write(Self.few[0], at: Sample.time, in: Sample.context, to: &line)
        #expect(line.text == text([Self.few[0]], columns: 40))
    }

    /// Below 40 it is the terminal that breaks lines.
    @Test(arguments: [-1, 0, 1, 39]) func fortyIsTheNarrowest(columns: Int) {
        #expect(text(Self.few, columns: columns) == text(Self.few, columns: 40))
    }
}
