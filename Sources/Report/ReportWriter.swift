import PortModel

/// Writes the report of one run, or of several hosts of one load test side by side.
package struct ReportWriter: Sendable {
    private let form: Form

    package enum Form: Sendable {
        case text(layout: Layout, colour: Bool)
        /// One object.
        case json
        /// One page, with charts.
        case html
    }

    package init(_ form: Form) { self.form = form }

    /// Appends the report.
    ///
    /// - Parameter runs: at least one.
    package func write(_ runs: [RunReport], to line: inout TextBuffer) {
        switch form {
        case .json: JSONWriter().write(runs, &line)
        case .html: HTMLWriter().write(runs, to: &line)
        case .text(let layout, let colour):
            let style = Style(enabled: colour)
            if runs.count == 1 {
                RunWriter(style: style, layout: layout).write(runs[0], to: &line)
            } else {
                HostsWriter(style: style, layout: layout).write(runs, to: &line)
            }
        }
    }
}

/// Writes the report of one run as text.
struct RunWriter {
    let style: Style
    let layout: Layout

    func write(_ run: RunReport, to line: inout TextBuffer) {
        style.begin(.heading, &line)
        host(run, &line)
        style.end(&line)
        line.append("\n")
        if let command = run.start?.command, !command.isEmpty {
            layout.fold(&line, indent: 13) {
                $0.append("  command    ")
                for (index, word) in command.enumerated() {
                    if index > 0 { $0.append(" ") }
                    $0.append(word: word)
                }
                $0.append("\n")
            }
        }
        line.append("  traced     ")
        time(run, &line)
        line.append("\n")
        reading(run, &line)
        SummaryWriter(style: style, layout: layout)
            .write(run.summary, in: run.context, to: &line)
        AdviceWriter(style: style, layout: layout)
            .write(run.summary.advice, in: run.context, to: &line)
    }

    /// `portgauge 0.1.0 on web-7, Linux 6.18.44 x86_64, 2 CPUs`
    private func host(_ run: RunReport, _ line: inout TextBuffer) {
        line.append("portgauge ")
        guard let start = run.start else { return }
        line.append(visible: start.version)
        line.append(" on ")
        if !start.host.isEmpty {
            line.append(visible: start.host)
            line.append(", ")
        }
        line.append("Linux ")
        line.append(visible: start.kernel)
        if !start.machine.isEmpty {
            line.append(" ")
            line.append(visible: start.machine)
        }
        if start.cpus > 0 {
            line.append(", ")
            line.append(grouped: start.cpus)
            line.append(start.cpus == 1 ? " CPU" : " CPUs")
        }
    }

    /// `2026-11-22 18:16:05 to 18:17:06 (UTC+01:00)`
    func time(_ run: RunReport, _ line: inout TextBuffer) {
        let timestamps = run.context.timestamps
        timestamps.appendLocalDate(run.startedAt, to: &line)
        line.append(" ")
        timestamps.appendLocalSecond(run.startedAt, to: &line)
        line.append(" to ")
        let day = TextBuffer.made { timestamps.appendLocalDate(run.startedAt, to: &$0) }
        let lastDay = TextBuffer.made { timestamps.appendLocalDate(run.endedAt, to: &$0) }
        if day.bytes != lastDay.bytes {
            line.append(lastDay)
            line.append(" ")
        }
        timestamps.appendLocalSecond(run.endedAt, to: &line)
        line.append(" (UTC")
        let minutes = abs(timestamps.localOffset) / 60
        if minutes > 0 {
            line.append(timestamps.localOffset < 0 ? "-" : "+")
            line.append(minutes / 60, width: 2)
            line.append(":")
            line.append(minutes % 60, width: 2)
        }
        line.append(")")
    }

    /// What is missing of the recording; nothing if nothing is.
    func reading(_ run: RunReport, _ line: inout TextBuffer) {
        var isFirst = true
        func begin(_ line: inout TextBuffer) {
            line.append(isFirst ? "  recording  " : "             ")
            isFirst = false
        }
        switch run.ending {
        case .complete: break
        case .summaryAt(let time):
            begin(&line)
            style.begin(.warning, &line)
            line.append("breaks off: causes, processes and advice are those of ")
            run.context.timestamps.appendLocalSecond(time, to: &line)
            style.end(&line)
            line.append("\n")
        case .ticksOnly:
            begin(&line)
            style.begin(.warning, &line)
            line.append("breaks off before its first summary: there are no causes and no advice")
            style.end(&line)
            line.append("\n")
        }
        if run.reading.isTruncated {
            begin(&line)
            line.append("its last line is cut off and was left out\n")
        }
        if run.reading.unreadable > 0 {
            begin(&line)
            line.append(grouped: run.reading.unreadable)
            line.append(run.reading.unreadable == 1 ? " line" : " lines")
            line.append(" of it could not be read\n")
        }
        if run.reading.unknown > 0 {
            begin(&line)
            line.append(grouped: run.reading.unknown)
            line.append(run.reading.unknown == 1 ? " event" : " events")
            line.append(" of kinds that this version does not know\n")
        }
    }
}

extension TextBuffer {
    /// What `write` appends to an empty one.
    static func made(_ write: (inout TextBuffer) -> Void) -> TextBuffer {
        var line = TextBuffer()
        write(&line)
        return line
    }

    /// Without what a terminal might obey.
    mutating func append(visible text: String) {
        for byte in text.utf8 { append(visible: byte) }
    }

    /// As a shell would take it.
    mutating func append(word: String) {
        let plain = word.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-")...UInt8(ascii: "/"),
                UInt8(ascii: ":"), UInt8(ascii: "="), UInt8(ascii: "_"), UInt8(ascii: ","),
                UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "+"):
                true
            default: false
            }
        }
        if plain, !word.isEmpty { return append(word) }
        append("'")
        append(visible: word)
        append("'")
    }
}
