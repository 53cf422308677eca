import Events

extension TextBuffer {
    /// `0.3 s`, `14 s`, `3 min`, `5 h`: as exact as a forecast can be.
    package mutating func appendInterpolation(roughly seconds: Double) {
        switch seconds {
        case ..<9.95: self += "\(tenths: max(0.1, seconds)) s"
        case ..<119.5: self += "\(Int(seconds.rounded())) s"
        case ..<(119.5 * 60): self += "\(Int((seconds / 60).rounded())) min"
        default: self += "\(grouped: Int((min(seconds, 1e15) / 3600).rounded())) h"
        }
    }

    /// Local date: `2026-11-22`.
    mutating func appendInterpolation(date time: UInt64, _ timestamps: Timestamps) {
        Timestamps.append(date: timestamps.localSeconds(time) / 86_400, to: &self)
    }

    /// Local time of day: `17:16:05`.
    package mutating func appendInterpolation(second time: UInt64, _ timestamps: Timestamps) {
        Timestamps.append(secondOfDay: timestamps.localSeconds(time) % 86_400, to: &self)
    }

    /// Local time of day: `17:16:05.123`.
    package mutating func appendInterpolation(time: UInt64, _ timestamps: Timestamps) {
        timestamps.appendLocal(time, to: &self)
    }
}

/// Times for people.
extension Timestamps {
    /// Local time of day with milliseconds: `17:16:05.123`.
    func appendLocal(_ time: UInt64, to line: inout TextBuffer) {
        // A day more, because west of Greenwich 1970 begins before 0.
        let seconds = localOffset + 86_400
        let milliseconds = Int(clamping: time &+ realtimeOffset) / 1_000_000 + seconds * 1000
        Self.append(secondOfDay: milliseconds / 1000 % 86_400, to: &line)
        line.append(".")
        line.append(milliseconds % 1000, width: 3)
    }

    /// Columns of what `appendText` writes; of seconds, up to 10,000 of them.
    var columns: Int { start == nil ? 12 : 10 }

    /// Appends a time for a person: `17:16:05.123`, or `   +12.345` since the start.
    func appendText(_ time: UInt64, to line: inout TextBuffer) {
        guard let start else { return appendLocal(time, to: &line) }
        // What is under way at the start began before it.
        let isBefore = time < start
        let milliseconds = Int((isBefore ? start - time : time - start) / 1_000_000)
        let begin = line.bytes.count
        line.append(isBefore ? "-" : "+")
        line.append(grouped: milliseconds / 1000)
        line.append(".")
        line.append(milliseconds % 1000, width: 3)
        line.alignRight(columns, since: begin)
    }

    func localSeconds(_ time: UInt64) -> Int {
        max(0, Int(clamping: time &+ realtimeOffset) / 1_000_000_000 + localOffset)
    }
}
