import Foundation
import TestSupport
import Testing

@testable import Events
@testable import Report

@Suite struct TimestampsTests {
    private static let end2100 = 4_133_980_799

    private func utc(_ time: UInt64, offset: UInt64 = 0) -> String {
        let timestamps = Timestamps(realtimeOffset: offset, localOffset: 0)
        return TextBuffer.text { timestamps.appendUTC(time, to: &$0) }
    }

    private func local(_ time: UInt64, ahead: Int) -> String {
        let timestamps = Timestamps(realtimeOffset: 0, localOffset: ahead)
        return TextBuffer.text { timestamps.appendLocal(time, to: &$0) }
    }

    private func calendar(_ seconds: Int, _ format: String) -> String {
        var seconds = time_t(seconds)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, format, &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    @Test func utcIsWhatTheCLibrarySays() {
        var generator = SeededGenerator(state: 2026)
        for _ in 0..<2000 {
            let seconds = Int.random(in: 0...Self.end2100, using: &generator)
            let nanoseconds = Int.random(in: 0..<1_000_000_000, using: &generator)
            let expected =
                calendar(seconds, "%Y-%m-%dT%H:%M:%S")
                + String(format: ".%06dZ", nanoseconds / 1000)
            #expect(utc(UInt64(seconds * 1_000_000_000 + nanoseconds)) == expected)
        }
    }

    /// Both ends of each day of 131 years, so of each month and leap year.
    @Test func daysBeginAndEndAtMidnight() {
        var wrong: [String] = []
        for day in 0...Self.end2100 / 86_400 {
            for second in [0, 86_399] {
                let seconds = day * 86_400 + second
                let written = utc(UInt64(seconds) * 1_000_000_000)
                if written != calendar(seconds, "%Y-%m-%dT%H:%M:%S.000000Z") {
                    wrong.append(written)
                }
            }
        }
        #expect(wrong == [])
    }

    static let moments: [(UInt64, String)] = [
        (0, "1970-01-01T00:00:00.000000Z"), (999, "1970-01-01T00:00:00.000000Z"),
        (1000, "1970-01-01T00:00:00.000001Z"), (999_999_999, "1970-01-01T00:00:00.999999Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000000Z"),
        (4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000Z"),
    ]

    @Test(arguments: moments)
    func utcIsCutOffAtMicroseconds(time: UInt64, expected: String) {
        #expect(utc(time) == expected)
    }

    @Test func theOffsetWraps() {
        #expect(utc(5_000_000_000, offset: 0 &- 4_000_000_000) == "1970-01-01T00:00:01.000000Z")
        #expect(utc(1000, offset: 1_795_367_765_123_455_000) == "2026-11-22T17:16:05.123456Z")
    }

    @Test(arguments: [0, 3600, 20_700, 50_400, -1, -3600, -34_200, -43_200, 86_399, -86_399])
    func localTimeIsAheadByItsOffset(ahead: Int) {
        var generator = SeededGenerator(state: UInt64(bitPattern: Int64(ahead)))
        for _ in 0..<300 {
            let seconds = Int.random(in: 86_400...Self.end2100, using: &generator)
            let milliseconds = Int.random(in: 0..<1000, using: &generator)
            let time = UInt64(seconds * 1_000_000_000 + milliseconds * 1_000_000 + 999_999)
            let expected =
                calendar(seconds + ahead, "%H:%M:%S") + String(format: ".%03d", milliseconds)
            #expect(local(time, ahead: ahead) == expected)
        }
    }

    static let midnights: [(UInt64, Int, String)] = [
        (0, -3600, "23:00:00.000"), (1_999_000_000, -43_200, "12:00:01.999"),
        (3_599_999_000_000, -3600, "23:59:59.999"), (3_600_000_000_000, -3600, "00:00:00.000"),
        (86_399_999_000_000, 0, "23:59:59.999"), (86_400_000_000_000, 0, "00:00:00.000"),
        (82_800_000_000_000, 3600, "00:00:00.000"),
    ]

    @Test(arguments: midnights)
    func localDaysBeginAtMidnight(time: UInt64, ahead: Int, expected: String) {
        #expect(local(time, ahead: ahead) == expected)
    }

    static let sinceStart: [(UInt64, String)] = [
        (5_000_000_000, "    +0.000"), (5_000_999_999, "    +0.000"),
        (17_345_000_000, "   +12.345"), (4_995_000_000, "    -0.005"),
        (5_000_000_000 + 1_234_567_890_123, "+1,234.567"),
        (5_000_000_000 + 12_345_678_901_234, "+12,345.678"), (0, "    -5.000"),
        (.max, "+18,446,744,068.709"),
    ]

    @Test(arguments: sinceStart) func secondsSinceTheStart(time: UInt64, expected: String) {
        var timestamps = Sample.context.timestamps
        timestamps.start = 5_000_000_000
        #expect(TextBuffer.text { timestamps.appendText(time, to: &$0) } == expected)
    }

    /// What comes after the time moves to the left, and JSON stays as it is.
    @Test func linesFromTheStart() {
        var context = Sample.context
        context.timestamps.start = 0
        let event = Sample.failure(.exhausted)
        #expect(
            Sample.text(event, in: context) == """
                    +0.123 FAILURE     10.0.0.1 → 10.0.0.9:80             28,232/28,232 wrk[4123]
                           connect(): EADDRNOTAVAIL, exhausted: 28,000 in TIME_WAIT; searched 12.3 ms

                """)
        #expect(Sample.json(event, in: context) == Sample.json(event))
    }
}
