import Events
import PortModel

extension TextWriter {
    // MARK: One run

    func text(of run: RunReport) -> TextBuffer {
        let words = run.start?.command ?? []
        let command: TextBuffer =
            words.isEmpty ? "" : layout.folded("  command    \(command: words)\n", indent: 13)
        return """
            \(style(.heading, host(run)))
            \(command)  traced     \(run.period)
            \(gaps(of: run))\(text(of: run.summary, in: run.context))
            """
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
    private func gaps(of run: RunReport) -> TextBuffer {
        let reading = run.reading
        var lines: [TextBuffer] = []
        switch run.ending {
        case .complete: break
        case .summaryAt(let time):
            let second = TextBuffer("\(second: time, run.context.timestamps)")
            let known: TextBuffer = "causes, processes and advice are those of \(second)"
            lines.append(style(.warning, "breaks off: \(known)"))
        case .ticksOnly:
            let missing: TextBuffer = "there are no causes and no advice"
            lines.append(style(.warning, "breaks off before its first summary: \(missing)"))
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

    // MARK: Several hosts

    /// Columns for the hosts side by side where the width is unknown.
    private static let hostColumns = 100
    private static let factColumns = 20
    private static let facts =
        [.duration] + HostFact.calls + HostFact.held + [.share, .lost, .dropped] + HostFact.audits

    /// The report of several hosts of one load test: a column for each, then the tuples and the
    /// failures of all, then what is advised to each.
    func text(of runs: [RunReport]) -> TextBuffer {
        let hosts = Self.names(of: runs)
        let all = Array(zip(hosts, runs))
        var text: TextBuffer = "\(style(.heading, "Report of \(grouped: runs.count) hosts"))\n"
        for (host, run) in all { text += "  \(host): \(run.period)\n\(gaps(of: run))" }
        text += "\(tables(all))\(tuples(all))\(failures(all))"
        for (host, run) in all where !run.summary.advice.isEmpty {
            text += "\n\(style(.heading, "  \(host)"))"
            text += self.text(of: run.summary.advice, in: run.context)
        }
        return text
    }

    /// Returns a name for each, so that no two have the same.
    static func names(of runs: [RunReport]) -> [TextBuffer] {
        var seen: [String: Int] = [:]
        return runs.map { run in
            let host = run.start?.host ?? ""
            let name = host.isEmpty ? "host" : host
            let count = (seen[name] ?? 0) + 1
            seen[name] = count
            return "\(visible: name)\(if: count > 1, "#\(count)")"
        }
    }

    /// Puts as many hosts side by side as there is room for, the others below.
    private func tables(_ all: [(TextBuffer, RunReport)]) -> TextBuffer {
        var text = TextBuffer()
        var part: [(TextBuffer, RunReport)] = []
        var used = 2 + Self.factColumns
        for (host, run) in all {
            used += width(of: host)
            if !part.isEmpty, used > layout.columns ?? Self.hostColumns {
                text += table(part)
                part = []
                used = 2 + Self.factColumns + width(of: host)
            }
            part.append((host, run))
        }
        return "\(text)\(table(part))"
    }

    private func width(of host: TextBuffer) -> Int { max(12, host.columns + 2) }

    private func table(_ part: [(TextBuffer, RunReport)]) -> TextBuffer {
        let names = part.map { host, _ in TextBuffer("\(right: width(of: host), host)") }
        let heading = TextBuffer("\(spaces: 2 + Self.factColumns)\(joined: names, by: "")")
        var text: TextBuffer = "\n\(style(.heading, heading))\n"
        for fact in Self.facts {
            text += "  \(left: Self.factColumns, "\(fact.name)")"
            for (host, run) in part {
                let cell = TextBuffer("\(right: width(of: host), fact.value(run))")
                text += style(fact.isAlarming(run) ? .alarm : nil, cell)
            }
            text += "\n"
        }
        return text
    }

    private func tuples(_ runs: [(TextBuffer, RunReport)]) -> TextBuffer {
        let all = runs.flatMap { host, run in
            run.summary.tuples.map { (host: host, context: run.context, row: $0) }
        }.sorted {
            ($0.row.peak.share, $0.row.totals.failed, $0.row.totals.opened)
                > ($1.row.peak.share, $1.row.totals.failed, $1.row.totals.opened)
        }
        guard !all.isEmpty else { return "" }
        var table = Table(tuplesLabelled: "host: tuple, top process")
        for (host, context, row) in all.prefix(Self.rows) {
            table.append(row, context, host: "\(host): ")
        }
        let omitted = runs.reduce(0) { $0 + $1.1.summary.tuplesOmitted }
        return "\n\(table.text(layout, style))\(more: max(0, all.count - Self.rows) + omitted)"
    }

    private func failures(_ runs: [(TextBuffer, RunReport)]) -> TextBuffer {
        let all = runs.flatMap { host, run in
            run.summary.failures.map { (host: host, context: run.context, failed: $0) }
        }.sorted { $0.failed.count > $1.failed.count }
        return list("  failed  host: call, cause, process, and where from and to", all) {
            let (host, context, failed) = $0
            let count: TextBuffer = "\(right: 8, "\(grouped: failed.count)")"
            return "\(count)  \(host): \(failed, context)"
        }
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
