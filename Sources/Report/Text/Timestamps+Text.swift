import Events

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
