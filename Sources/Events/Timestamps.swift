/// Turns CLOCK_MONOTONIC into times of day, or in text into seconds since a start.
package struct Timestamps: Sendable {
    /// What to add to the kernel's clock, wrapping, for nanoseconds since 1970 in UTC.
    package var realtimeOffset: UInt64
    /// Seconds that local time is ahead of UTC.
    package var localOffset: Int
    /// In text, times are counted from here, in CLOCK_MONOTONIC nanoseconds; nil for times of day.
    package var start: UInt64?

    package init(realtimeOffset: UInt64, localOffset: Int) {
        (self.realtimeOffset, self.localOffset) = (realtimeOffset, localOffset)
    }

    /// RFC 3339 in UTC with microseconds: `2026-11-22T17:16:05.123456Z`.
    package func appendUTC(_ time: UInt64, to line: inout TextBuffer) {
        let microseconds = Int(clamping: time &+ realtimeOffset) / 1000
        let seconds = microseconds / 1_000_000
        Self.append(date: seconds / 86_400, to: &line)
        line.append("T")
        Self.append(secondOfDay: seconds % 86_400, to: &line)
        line.append(".")
        line.append(microseconds % 1_000_000, width: 6)
        line.append("Z")
    }

    package static func append(date days: Int, to line: inout TextBuffer) {
        let (year, month, day) = Self.date(daysSince1970: days)
        line.append(year, width: 4)
        line.append("-")
        line.append(month, width: 2)
        line.append("-")
        line.append(day, width: 2)
    }

    package static func append(secondOfDay: Int, to line: inout TextBuffer) {
        line.append(secondOfDay / 3600, width: 2)
        line.append(":")
        line.append(secondOfDay / 60 % 60, width: 2)
        line.append(":")
        line.append(secondOfDay % 60, width: 2)
    }

    /// The Gregorian date, counted in years that begin in March, so that the leap day comes last.
    package static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    /// Reads what `appendUTC` writes: nanoseconds since 1970; nil if no time of 1970 to 2261.
    package static func read(_ text: ArraySlice<UInt8>) -> UInt64? {
        var parts = InlineArray<8, Int>(repeating: 0)
        var part = 0
        guard text.count == look.utf8.count else { return nil }
        for (byte, mark) in zip(text, look.utf8) {
            let digit = Int(byte &- UInt8(ascii: "0"))
            if mark == UInt8(ascii: "0"), digit < 10 {
                parts[part] = parts[part] * 10 + digit
            } else if mark == byte, digit >= 10 {
                part += 1
            } else {
                return nil
            }
        }
        guard (1970..<2262).contains(parts[0]), (1...12).contains(parts[1]),
            (1...31).contains(parts[2]), parts[3] < 24, parts[4] < 60, parts[5] < 60
        else { return nil }
        let days = daysSince1970(year: parts[0], month: parts[1], day: parts[2])
        let seconds = ((days * 24 + parts[3]) * 60 + parts[4]) * 60 + parts[5]
        return UInt64(seconds * 1_000_000 + parts[6]) * 1000
    }

    /// Any digits, and what is between them.
    private static let look = "0000-00-00T00:00:00.000000Z"

    /// The inverse of `date`.
    static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
        // Years that begin in March, as there.
        let shifted = month <= 2 ? year - 1 : year
        let yearOfEra = shifted % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return shifted / 400 * 146_097 + dayOfEra - 719_468
    }
}
