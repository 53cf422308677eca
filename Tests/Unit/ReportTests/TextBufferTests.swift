import Foundation
import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

@Suite struct TextBufferTests {
    @Test(arguments: [0, 1, 9, 10, 99, 100, 999, 1000, 123_456, -1, -10, -999_999, .max, .min])
    func numbersAreDecimal(number: Int) {
        #expect(TextBuffer.text { $0.append(number) } == String(number))
    }

    @Test(arguments: [
        (0, "0"), (7, "7"), (999, "999"), (1000, "1,000"), (28_232, "28,232"),
        (100_000, "100,000"), (1_000_000, "1,000,000"), (-1, "-1"), (-999, "-999"),
        (-1000, "-1,000"), (.max, "9,223,372,036,854,775,807"),
        (.min, "-9,223,372,036,854,775,808"),
    ]) func groupsHaveThreeDigits(number: Int, expected: String) {
        #expect(TextBuffer.text { $0.append(grouped: number) } == expected)
    }

    @Test(arguments: [
        (0, 2, "00"), (7, 2, "07"), (12, 2, "12"), (123, 2, "123"), (45, 6, "000045"), (3, 0, "3"),
    ]) func numbersArePaddedToTheirWidth(number: Int, width: Int, expected: String) {
        #expect(TextBuffer.text { $0.append(number, width: width) } == expected)
    }

    @Test func paddingMayBeBlank() {
        #expect(TextBuffer.text { $0.append(42, width: 5, pad: UInt8(ascii: " ")) } == "   42")
    }

    static let tenths: [(Double, String)] = [
        (0, "0.0"), (0.04, "0.0"), (0.05, "0.1"), (0.25, "0.3"), (49.94, "49.9"),
        (49.96, "50.0"),
        (99.95, "100.0"), (1234.5, "1234.5"), (-0.04, "0.0"), (-0.3, "-0.3"), (-0.96, "-1.0"),
        (-1, "-1.0"), (-12.34, "-12.3"), (.infinity, "1000000000000000.0"),
        (-.infinity, "-1000000000000000.0"), (1e300, "1000000000000000.0"),
    ]

    @Test(arguments: tenths)
    func tenthsAreRounded(value: Double, expected: String) {
        #expect(TextBuffer.text { $0.append(tenths: value) } == expected)
    }

    /// Halves of a tenth, exact in binary or not, are left out: there the C library differs.
    @Test func tenthsAreWhatPrintfSays() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<1000 {
            let thousandths = Int.random(in: -2_000_000...2_000_000, using: &generator)
            guard thousandths % 100 != 50, thousandths % 100 != -50, abs(thousandths) >= 50
            else { continue }
            let value = Double(thousandths) / 1000
            #expect(TextBuffer.text { $0.append(tenths: value) } == String(format: "%.1f", value))
        }
    }

    static let durations: [(UInt64, String)] = [
        (0, "0 µs"), (999, "0 µs"), (1000, "1 µs"), (12_345, "12 µs"), (999_999, "999 µs"),
        (1_000_000, "1.0 ms"), (5_600_000, "5.6 ms"), (61_234_567_890, "61.2 s"),
        (3_600_000_000_000, "3,600.0 s"), (.max, "18,446,744,073.7 s"),
    ]

    @Test(arguments: durations)
    func durationsComeInTheUnitThatSuits(time: UInt64, expected: String) {
        #expect(TextBuffer.text { $0.appendInterpolation(duration: time) } == expected)
    }

    @Test func columnsAreCodePoints() {
        var line = TextBuffer()
        line.append("before ")
        let start = line.bytes.count
        line.append("12 µs →")
        #expect(line.columns(since: start) == 7)
        line.pad(to: 10, since: start)
        line.append("|")
        #expect(line.text == "before 12 µs →   |")
        line.pad(to: 3, since: start)
        #expect(line.text == "before 12 µs →   |")
    }

    @Test func isReused() {
        var line = TextBuffer()
        line.append("one")
        line.clear()
        line.append("two" as String)
        var other = TextBuffer()
        other.append("!")
        line.append(other)
        #expect(line.text == "two!")
    }

    @Test(arguments: [
        (ProcessID(pid: 4123, name: ProcessID.Name("wrk")), "wrk[4123]"),
        (.unknown, "-"),
        (ProcessID(pid: 1, name: ProcessID.Name("")), "[1]"),
        (ProcessID(pid: 2, name: ProcessID.Name("a b")), "a b[2]"),
        (ProcessID(pid: 3, name: ProcessID.Name("\u{1b}[31m\n")), "\\x1b[31m\\x0a[3]"),
        (ProcessID(pid: 4, name: ProcessID.Name("back\\slash")), "back\\x5cslash[4]"),
        (ProcessID(pid: 5, name: ProcessID.Name("é\u{7f}")), "\\xc3\\xa9\\x7f[5]"),
        (ProcessID(pid: 6, name: ProcessID.Name("fifteen-letters")), "fifteen-letters[6]"),
    ]) func processesAreSafeToShow(process: ProcessID, expected: String) {
        #expect(TextBuffer.text { $0.appendInterpolation(process) } == expected)
    }
}
