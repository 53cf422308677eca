import PortModel

/// Writes the report of several hosts of one load test as text: a column for each, then the tuples and
/// the failures of all, then what is advised to each.
struct HostsWriter {
    let style: Style
    let layout: Layout

    /// What the hosts side by side may take where nobody has said.
    private static let columns = 100
    private static let rows = 20
    private static let firstColumn = 20

    private var summaries: SummaryWriter { SummaryWriter(style: style, layout: layout) }

    func write(_ runs: [RunReport], to line: inout TextBuffer) {
        let hosts = Self.names(of: runs)
        style.begin(.heading, &line)
        line.append("Report of ")
        line.append(grouped: runs.count)
        line.append(" hosts")
        style.end(&line)
        line.append("\n")
        for (host, run) in zip(hosts, runs) {
            line.append("  ")
            line.append(host)
            line.append(": ")
            let writer = RunWriter(style: style, layout: layout)
            writer.time(run, &line)
            line.append("\n")
            writer.reading(run, &line)
        }
        table(runs, hosts, &line)
        tuples(runs, hosts, &line)
        failures(runs, hosts, &line)
        for (host, run) in zip(hosts, runs) where !run.summary.advice.isEmpty {
            line.append("\n")
            style.begin(.heading, &line)
            line.append("  ")
            line.append(host)
            style.end(&line)
            AdviceWriter(style: style, layout: layout)
                .write(run.summary.advice, in: run.context, to: &line)
        }
    }

    /// What to call each, so that no two have one name.
    static func names(of runs: [RunReport]) -> [TextBuffer] {
        var seen: [String: Int] = [:]
        return runs.map { run in
            let host = run.start?.host ?? ""
            let name = host.isEmpty ? "host" : host
            seen[name, default: 0] += 1
            return TextBuffer.made {
                $0.append(visible: name)
                guard let count = seen[name], count > 1 else { return }
                $0.append("#")
                $0.append(count)
            }
        }
    }

    // MARK: The table

    private struct Row: Sendable {
        let title: StaticString
        let cell: @Sendable (RunReport, inout TextBuffer) -> Void
        /// What is wrong unless it is 0.
        var isAlarm = false

        init(
            _ title: StaticString, _ count: @escaping @Sendable (Summary) -> Int,
            isAlarm: Bool = false
        ) {
            self.title = title
            self.isAlarm = isAlarm
            cell = { $1.append(grouped: count($0.summary)) }
        }

        init(_ title: StaticString, cell: @escaping @Sendable (RunReport, inout TextBuffer) -> Void)
        {
            self.title = title
            self.cell = cell
        }
    }

    private static let table: [Row] = [
        Row("duration") { $1.append(duration: $0.summary.duration) },
        Row("opened", { $0.totals.opened }),
        Row("closed", { $0.totals.closed }),
        Row("no port: connect()", { $0.portExhaustion.connects }, isAlarm: true),
        Row("no port: bind()", { $0.portExhaustion.binds }, isAlarm: true),
        Row("refused otherwise", { $0.otherErrors.connects + $0.otherErrors.binds }),
        Row("held at the end", { $0.held }),
        Row("in TIME_WAIT", { $0.timeWait }),
        Row("greatest share") { run, line in
            line.append(share: run.summary.tuples.first?.peak.share ?? 0)
        },
        Row("records lost", { Int(clamping: $0.accuracy.lost) }, isAlarm: true),
        Row("lines dropped", { $0.linesDropped }),
        Row("audits", { $0.accuracy.audits }),
        Row("largest drift", { $0.accuracy.largestDrift }, isAlarm: true),
    ]

    /// As many hosts side by side as there is room for, the others below.
    private func table(_ runs: [RunReport], _ hosts: [TextBuffer], _ line: inout TextBuffer) {
        var first = 0
        while first < runs.count {
            var last = first
            var used = 2 + Self.firstColumn
            while last < runs.count {
                used += width(of: hosts[last])
                if last > first, used > layout.columns ?? Self.columns { break }
                last += 1
            }
            table(Array(zip(hosts, runs))[first..<last], &line)
            first = last
        }
    }

    private func width(of host: TextBuffer) -> Int { max(12, host.columns(since: 0) + 2) }

    private func table(_ part: ArraySlice<(TextBuffer, RunReport)>, _ line: inout TextBuffer) {
        line.append("\n")
        style.begin(.heading, &line)
        for _ in 0..<2 + Self.firstColumn { line.append(" ") }
        for (host, _) in part { line.right(width(of: host)) { $0.append(host) } }
        style.end(&line)
        line.append("\n")
        for row in Self.table {
            line.append("  ")
            let start = line.bytes.count
            line.append(row.title)
            line.pad(to: Self.firstColumn, since: start)
            for (host, run) in part {
                let cell = TextBuffer.made { row.cell(run, &$0) }
                let stands = row.isAlarm && cell.bytes != [UInt8(ascii: "0")]
                if stands { style.begin(.alarm, &line) }
                line.right(width(of: host)) { $0.append(cell) }
                if stands { style.end(&line) }
            }
            line.append("\n")
        }
    }

    // MARK: Of all hosts

    private func tuples(_ runs: [RunReport], _ hosts: [TextBuffer], _ line: inout TextBuffer) {
        let all = zip(hosts, runs).flatMap { host, run in
            run.summary.tuples.map { (host: host, run: run, row: $0) }
        }
        let omitted = runs.reduce(0) { $0 + $1.summary.tuplesOmitted }
        guard !all.isEmpty else { return }
        var table = Table(tuplesLabelled: "host: tuple, top process")
        let sorted = all.sorted {
            ($0.row.peak.share, $0.row.totals.failed, $0.row.totals.opened)
                > ($1.row.peak.share, $1.row.totals.failed, $1.row.totals.opened)
        }
        for (host, run, row) in sorted.prefix(Self.rows) {
            table.append(row, run.context, host: host)
        }
        line.append("\n")
        table.write(layout, style, to: &line)
        more(max(0, all.count - Self.rows) + omitted, &line)
    }

    private func failures(_ runs: [RunReport], _ hosts: [TextBuffer], _ line: inout TextBuffer) {
        let all = zip(hosts, runs).flatMap { host, run in
            run.summary.failures.map { (host: host, run: run, failed: $0) }
        }
        guard !all.isEmpty else { return }
        summaries.heading("  failed  host: call, cause, process, and where from and to", &line)
        let most = all.sorted { $0.failed.count > $1.failed.count }
        for (host, run, failed) in most.prefix(Self.rows) {
            line.right(8) { $0.append(grouped: failed.count) }
            line.append("  ")
            line.append(host)
            line.append(": ")
            line.append(failed.call, run.context)
            line.append("\n")
        }
        more(max(0, all.count - Self.rows), &line)
    }

    private func more(_ count: Int, _ line: inout TextBuffer) {
        guard count > 0 else { return }
        line.append("and ")
        line.append(grouped: count)
        line.append(" more\n")
    }
}
