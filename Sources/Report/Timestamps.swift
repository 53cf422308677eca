/// Turns CLOCK_MONOTONIC into times of day, or in text into seconds since a start.
package struct Timestamps: Sendable {
    /// What to add to the kernel's clock, wrapping, for nanoseconds since 1970 in UTC.
    package var realtimeOffset: UInt64
    /// Seconds that local time is ahead of UTC.
    package var localOffset: Int
    /// In text, times are counted from here, in CLOCK_MONOTONIC nanoseconds; nil for times of day.
    package var start: UInt64?

    package init(realtimeOffset: UInt64, localOffset: Int) {
        self.realtimeOffset = realtimeOffset
        self.localOffset = localOffset
    }

    /// RFC 3339 in UTC with microseconds: `2026-11-22T17:16:05.123456Z`.
    func appendUTC(_ time: UInt64, to line: inout Line) {
        let microseconds = Int(clamping: time &+ realtimeOffset) / 1000
        let seconds = microseconds / 1_000_000
        let (year, month, day) = Self.date(daysSince1970: seconds / 86_400)
        line.append(year, width: 4)
        line.append("-")
        line.append(month, width: 2)
        line.append("-")
        line.append(day, width: 2)
        line.append("T")
        Self.append(secondOfDay: seconds % 86_400, to: &line)
        line.append(".")
        line.append(microseconds % 1_000_000, width: 6)
        line.append("Z")
    }

    /// Local time of day with milliseconds: `17:16:05.123`.
    func appendLocal(_ time: UInt64, to line: inout Line) {
        // A day more, because west of Greenwich 1970 begins before 0.
        let seconds = localOffset + 86_400
        let milliseconds = Int(clamping: time &+ realtimeOffset) / 1_000_000 + seconds * 1000
        Self.append(secondOfDay: milliseconds / 1000 % 86_400, to: &line)
        line.append(".")
        line.append(milliseconds % 1000, width: 3)
    }

    /// Columns of what `appendText` writes; of seconds, up to 10,000 of them.
    var columns: Int { start == nil ? 12 : 10 }

    /// For a person: `17:16:05.123`, or `   +12.345` since the start.
    func appendText(_ time: UInt64, to line: inout Line) {
        guard let start else { return appendLocal(time, to: &line) }
        // What is under way at the start began before it.
        let isBefore = time < start
        let milliseconds = Int((isBefore ? start - time : time - start) / 1_000_000)
        line.right(columns) {
            $0.append(isBefore ? "-" : "+")
            $0.append(grouped: milliseconds / 1000)
            $0.append(".")
            $0.append(milliseconds % 1000, width: 3)
        }
    }

    private static func append(secondOfDay: Int, to line: inout Line) {
        line.append(secondOfDay / 3600, width: 2)
        line.append(":")
        line.append(secondOfDay / 60 % 60, width: 2)
        line.append(":")
        line.append(secondOfDay % 60, width: 2)
    }

    /// The Gregorian date, counted in years that begin in March, so that the leap day comes last.
    static func date(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}
