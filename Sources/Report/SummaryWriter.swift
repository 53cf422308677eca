import PortModel

/// Writes the report on exit as text.
struct SummaryWriter {
    let style: Style

    /// What a person wants to see of either list; JSON has more.
    private static let rows = 20

    func write(_ summary: Summary, in surroundings: Surroundings, to line: inout Line) {
        line.append("\n")
        style.begin(.heading, &line)
        line.append("Summary of ")
        line.append(duration: summary.duration)
        style.end(&line)
        line.append("\n")
        totals(summary, &line)
        guard !summary.tuples.isEmpty else { return }
        line.append("\n")
        style.begin(.heading, &line)
        line.append("   share    peak    held TIME_WAIT    opened   failed  tuple, top process")
        style.end(&line)
        line.append("\n")
        for account in summary.tuples.prefix(Self.rows) { row(account, surroundings, &line) }
        let more = max(0, summary.tuples.count - Self.rows) + summary.tuplesOmitted
        if more > 0 {
            line.append("and ")
            line.append(grouped: more)
            line.append(" more, none with a greater share\n")
        }
        failures(summary, surroundings, &line)
    }

    private func totals(_ summary: Summary, _ line: inout Line) {
        line.append("  connects   ")
        line.append(grouped: summary.totals.opened)
        line.append(" opened, ")
        line.append(grouped: summary.totals.closed)
        line.append(" closed, ")
        if summary.totals.failed > 0 { style.begin(.alarm, &line) }
        line.append(grouped: summary.totals.failed)
        line.append(" failed for want of a port")
        if summary.totals.failed > 0 { style.end(&line) }
        line.append("\n  ports      ")
        line.append(grouped: summary.held)
        line.append(" held at the end")
        if summary.held > 0 {
            line.append(", ")
            line.append(grouped: summary.timeWait)
            line.append(" of them (")
            line.append(tenths: Double(summary.timeWait) * 100 / Double(summary.held))
            line.append(" %) in TIME_WAIT")
        }
        line.append("\n  accuracy   ")
        line.append(grouped: Int(clamping: summary.lost))
        line.append(" records lost, ")
        line.append(grouped: summary.linesDropped)
        line.append(" lines of output dropped\n")
    }

    private func row(
        _ account: TupleAccount, _ surroundings: Surroundings, _ line: inout Line
    ) {
        right(8, &line) {
            if account.peak.usable > 0 {
                $0.append(tenths: (account.peak.share * 1000).rounded(.down) / 10)
                $0.append(" %")
            } else {
                $0.append("-")
            }
        }
        right(8, &line) { $0.append(grouped: account.peak.held) }
        right(8, &line) { $0.append(grouped: account.held) }
        right(10, &line) { $0.append(grouped: account.timeWait) }
        right(10, &line) { $0.append(grouped: account.totals.opened) }
        if account.totals.failed > 0 { style.begin(.alarm, &line) }
        right(9, &line) { $0.append(grouped: account.totals.failed) }
        if account.totals.failed > 0 { style.end(&line) }
        line.append("  ")
        line.append(account.tuple)
        line.append(namespaceOf: account.tuple, surroundings)
        if let top = account.processes.top {
            line.append("  ")
            line.append(top)
        }
        line.append("\n")
        for (error, count) in account.errors.sorted(by: { $0.value > $1.value }) {
            right(44, &line) { $0.append(grouped: count) }
            line.append("  of them ")
            line.append(surroundings.errnoName(Int32(error)))
            line.append("\n")
        }
    }

    private func failures(
        _ summary: Summary, _ surroundings: Surroundings, _ line: inout Line
    ) {
        let failures = summary.failures
        guard !failures.isEmpty else { return }
        line.append("\n")
        style.begin(.heading, &line)
        line.append("  failed  connect() without a port, by process and tuple")
        style.end(&line)
        line.append("\n")
        for failure in failures.prefix(Self.rows) {
            right(8, &line) { $0.append(grouped: failure.count) }
            line.append("  ")
            line.append(failure.process)
            line.append("  ")
            line.append(failure.tuple)
            line.append(namespaceOf: failure.tuple, surroundings)
            line.append("\n")
        }
        if failures.count > Self.rows {
            line.append("and ")
            line.append(grouped: failures.count - Self.rows)
            line.append(" more\n")
        }
    }

    /// Right-aligned in `width` columns.
    private func right(_ width: Int, _ line: inout Line, _ write: (inout Line) -> Void) {
        var cell = Line()
        write(&cell)
        for _ in 0..<max(0, width - cell.columns(since: 0)) { line.append(" ") }
        line.append(cell)
    }
}
