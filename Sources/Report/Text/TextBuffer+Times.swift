import Events

extension TextBuffer {
    /// Replaces what a terminal might obey: `\x1b`.
    package mutating func appendInterpolation(visible text: String) {
        for byte in text.utf8 { append(visible: byte) }
    }

    // MARK: Times

    package mutating func appendInterpolation(duration nanoseconds: UInt64) {
        append(duration: nanoseconds)
    }

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
