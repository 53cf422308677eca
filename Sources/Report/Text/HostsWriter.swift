import Events
import PortModel

/// Writes the report of several hosts of one load test as text: a column for each, then the tuples and
/// the failures of all, then what is advised to each.
struct HostsWriter {
    let style: Style
    let layout: Layout

    /// Columns for the hosts side by side where the width is unknown.
    private static let columns = 100
    private static let rows = 20
    private static let firstColumn = 20

    func write(_ runs: [RunReport], to line: inout TextBuffer) {
        let hosts = Self.names(of: runs)
        let writer = RunWriter(style: style, layout: layout)
        line += "\(style(.heading, "Report of \(grouped: runs.count) hosts"))\n"
        for (host, run) in zip(hosts, runs) {
            line += "  \(host): \(run.period)\n\(writer.gaps(of: run))"
        }
        table(runs, hosts, &line)
        tuples(runs, hosts, &line)
        line += failures(runs, hosts)
        for (host, run) in zip(hosts, runs) where !run.summary.advice.isEmpty {
            line += "\n\(style(.heading, "  \(host)"))"
            AdviceWriter(style: style, layout: layout)
                .write(run.summary.advice, in: run.context, to: &line)
        }
    }

    /// Returns a name for each, so that no two have the same.
    static func names(of runs: [RunReport]) -> [TextBuffer] {
        var seen: [String: Int] = [:]
        return runs.map { run in
            let host = run.start?.host ?? ""
            let name = host.isEmpty ? "host" : host
            seen[name, default: 0] += 1
            let count = seen[name] ?? 1
            return "\(visible: name)\(if: count > 1, "#\(count)")"
        }
    }

    // MARK: The table

    private static let facts = [HostFact.duration] + HostFact.totals + HostFact.accuracy

    /// Puts as many hosts side by side as there is room for, the others below.
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

    private func width(of host: TextBuffer) -> Int { max(12, host.columns + 2) }

    private func table(_ part: ArraySlice<(TextBuffer, RunReport)>, _ line: inout TextBuffer) {
        let names = part.map { host, _ in TextBuffer("\(right: width(of: host), host)") }
        let heading = TextBuffer("\(spaces: 2 + Self.firstColumn)\(joined: names, by: "")")
        line += "\n\(style(.heading, heading))\n"
        for fact in Self.facts {
            line += "  \(left: Self.firstColumn, "\(fact.name)")"
            for (host, run) in part {
                let cell = TextBuffer("\(right: width(of: host), fact.value(run))")
                line += style(fact.isAlarming(run) ? .alarm : nil, cell)
            }
            line += "\n"
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
        line += "\n"
        table.write(layout, style, to: &line)
        line += more(max(0, all.count - Self.rows) + omitted)
    }

    private func failures(_ runs: [RunReport], _ hosts: [TextBuffer]) -> TextBuffer {
        let all = zip(hosts, runs).flatMap { host, run in
            run.summary.failures.map { (host: host, run: run, failed: $0) }
        }
        guard !all.isEmpty else { return "" }
        var text = SummaryWriter(style: style, layout: layout)
            .heading("  failed  host: call, cause, process, and where from and to")
        let most = all.sorted { $0.failed.count > $1.failed.count }
        for (host, run, failed) in most.prefix(Self.rows) {
            text += "\(right: 8, "\(grouped: failed.count)")  \(host): "
            text += "\(failed.call, run.context)\n"
        }
        return "\(text)\(more(all.count - Self.rows))"
    }

    private func more(_ count: Int) -> TextBuffer {
        count > 0 ? "and \(grouped: count) more\n" : ""
    }
}
