import Events
import PortModel

/// Writes the report of one run as text.
struct RunWriter {
    let style: Style
    let layout: Layout

    func write(_ run: RunReport, to line: inout TextBuffer) {
        line += "\(style(.heading, host(run)))\n"
        if let command = run.start?.command, !command.isEmpty {
            line += layout.folded("  command    \(command: command)\n", indent: 13)
        }
        line += "  traced     \(run.period)\n\(gaps(of: run))"
        SummaryWriter(style: style, layout: layout).write(run.summary, in: run.context, to: &line)
        AdviceWriter(style: style, layout: layout)
            .write(run.summary.advice, in: run.context, to: &line)
    }

    /// `portgauge 0.1.0 on web-7, Linux 6.18.44 x86_64, 2 CPUs`
    private func host(_ run: RunReport) -> TextBuffer {
        guard let start = run.start else { return "portgauge " }
        var text: TextBuffer = "portgauge \(visible: start.version) on "
        if !start.host.isEmpty { text += "\(visible: start.host), " }
        text += "Linux \(visible: start.kernel)"
        if !start.machine.isEmpty { text += " \(visible: start.machine)" }
        if start.cpus > 0 { text += ", \(start.cpus, "CPU")" }
        return text
    }

    /// Says what is missing of the recording; nothing if nothing is.
    func gaps(of run: RunReport) -> TextBuffer {
        let reading = run.reading
        var lines: [TextBuffer] = []
        switch run.ending {
        case .complete: break
        case .summaryAt(let time):
            let second = TextBuffer("\(second: time, run.context.timestamps)")
            lines.append(
                style(.warning, "breaks off: causes, processes and advice are those of \(second)"))
        case .ticksOnly:
            lines.append(
                style(
                    .warning,
                    "breaks off before its first summary: there are no causes and no advice"))
        }
        if reading.isTruncated { lines.append("its last line is cut off and was left out") }
        if reading.unreadable > 0 {
            lines.append("\(reading.unreadable, "line") of it could not be read")
        }
        if reading.unknown > 0 {
            lines.append("\(reading.unknown, "event") of kinds that this version does not know")
        }
        guard !lines.isEmpty else { return "" }
        return "  recording  \(joined: lines, by: "\n             ")\n"
    }
}

extension RunReport {
    /// `2026-11-22 18:16:05 to 18:17:06 (UTC+01:00)`
    var period: TextBuffer {
        let timestamps = context.timestamps
        let (day, lastDay) = (
            TextBuffer("\(date: startedAt, timestamps)"), TextBuffer("\(date: endedAt, timestamps)")
        )
        var text: TextBuffer = "\(day) \(second: startedAt, timestamps) to "
        if day.bytes != lastDay.bytes { text += "\(lastDay) " }
        text += "\(second: endedAt, timestamps) (UTC"
        let minutes = abs(timestamps.localOffset) / 60
        if minutes > 0 {
            text += "\(if: timestamps.localOffset < 0, "-", else: "+")"
            text += "\(minutes / 60, width: 2):\(minutes % 60, width: 2)"
        }
        text += ")"
        return text
    }
}

extension TextBuffer {
    /// Words quoted for a shell.
    mutating func appendInterpolation(command words: [String]) {
        self += "\(joined: words.map { TextBuffer("\(word: $0)") }, by: " ")"
    }

    private mutating func appendInterpolation(word: String) {
        // From `-` to `:` there are `.`, `/` and the digits.
        let plain = word.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte.lowercased)
                || (UInt8(ascii: "-")...UInt8(ascii: ":")).contains(byte)
                || "=_,%@+".utf8.contains(byte)
        }
        self += plain && !word.isEmpty ? "\(word)" : "'\(visible: word)'"
    }
}
