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
        namespaces(summary, surroundings, &line)
        tuples(summary, surroundings, &line)
        bindPools(summary, surroundings, &line)
        failures(summary, surroundings, &line)
    }

    private func totals(_ summary: Summary, _ line: inout Line) {
        line.append("  connects   ")
        line.append(grouped: summary.totals.opened)
        line.append(" opened, ")
        line.append(grouped: summary.totals.closed)
        line.append(" closed, ")
        wantOfPort(summary.wantOfPort.connects, &line)
        if summary.wantOfPort.binds > 0 {
            line.append("\n  bind()     ")
            wantOfPort(summary.wantOfPort.binds, &line)
        }
        let (connects, binds) = summary.otherwise
        if connects + binds > 0 {
            line.append("\n  refused    ")
            if connects > 0 {
                line.append(grouped: connects)
                line.append(binds > 0 ? " connect(), " : " connect()")
            }
            if binds > 0 {
                line.append(grouped: binds)
                line.append(" bind()")
            }
            line.append(", not for want of a port")
        }
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
        line.append("\n")
        accuracy(summary, &line)
    }

    private func wantOfPort(_ count: Int, _ line: inout Line) {
        if count > 0 { style.begin(.alarm, &line) }
        line.append(grouped: count)
        line.append(" failed for want of a port")
        if count > 0 { style.end(&line) }
    }

    private func accuracy(_ summary: Summary, _ line: inout Line) {
        let accuracy = summary.accuracy
        line.append("  accuracy   ")
        line.append(grouped: Int(clamping: accuracy.lost))
        line.append(" records lost, ")
        line.append(grouped: summary.linesDropped)
        line.append(" lines of output dropped")
        if accuracy.audits > 0 {
            line.append("\n             ")
            line.append(grouped: accuracy.audits)
            line.append(accuracy.audits == 1 ? " audit against" : " audits against")
            line.append(" the kernel's table, largest drift ")
            line.append(grouped: accuracy.largestDrift)
            line.append(", last ")
            line.append(grouped: accuracy.lastDrift)
        }
        if accuracy.repairs > 0 {
            line.append("\n             ")
            line.append(grouped: accuracy.repairs)
            line.append(accuracy.repairs == 1 ? " repair" : " repairs")
            line.append(" from the kernel's table")
        }
        if accuracy.skipped > 0 {
            line.append("\n             ")
            line.append(grouped: Int(clamping: accuracy.skipped))
            line.append(" runs skipped by the kernel, ")
            line.append(grouped: Int(clamping: accuracy.slipped))
            line.append(" not caught by a copy")
        }
        if !accuracy.isComplete {
            line.append("\n             ports held are exact, totals by tuple are lower bounds")
        }
        line.append("\n")
    }

    private func namespaces(
        _ summary: Summary, _ surroundings: Surroundings, _ line: inout Line
    ) {
        let all = summary.namespaces.sorted { $0.value.inode < $1.value.inode }
        guard !all.isEmpty else { return }
        heading("  namespaces", &line)
        for (netns, namespace) in all.prefix(Self.rows) {
            line.append("  ")
            line.append(nameOf: netns, surroundings)
            line.append(": ")
            line.append(settings: namespace)
            line.append("\n")
        }
        omitted(of: all.count, &line)
    }

    private func tuples(_ summary: Summary, _ surroundings: Surroundings, _ line: inout Line) {
        guard !summary.tuples.isEmpty else { return }
        heading("   share    peak    held TIME_WAIT    opened   failed  tuple, top process", &line)
        for account in summary.tuples.prefix(Self.rows) { row(account, surroundings, &line) }
        let more = max(0, summary.tuples.count - Self.rows) + summary.tuplesOmitted
        if more > 0 {
            line.append("and ")
            line.append(grouped: more)
            line.append(" more, none with a greater share\n")
        }
    }

    private func row(
        _ account: TupleAccount, _ surroundings: Surroundings, _ line: inout Line
    ) {
        share(account.peak.share, &line)
        line.right(8) { $0.append(grouped: account.peak.held) }
        line.right(8) { $0.append(grouped: account.held) }
        line.right(10) { $0.append(grouped: account.timeWait) }
        line.right(10) { $0.append(grouped: account.totals.opened) }
        alarm(account.totals.failed, &line)
        line.append("  ")
        line.append(account.tuple)
        line.append(namespaceOf: account.tuple, surroundings)
        if let top = account.processes.top {
            line.append("  ")
            line.append(top)
        }
        line.append("\n")
        for (error, count) in account.errors.sorted(by: { $0.value > $1.value }) {
            line.right(44) { $0.append(grouped: count) }
            line.append("  of them ")
            line.append(surroundings.errnoName(Int32(error)))
            line.append("\n")
        }
    }

    private func bindPools(
        _ summary: Summary, _ surroundings: Surroundings, _ line: inout Line
    ) {
        guard !summary.bindPools.isEmpty else { return }
        heading(
            "   share    peak  usable   failed  address that bind() chose for, top process", &line)
        for pool in summary.bindPools.prefix(Self.rows) {
            let peak = Standing(held: pool.peak, usable: pool.usable)
            share(peak.share, &line)
            line.right(8) { $0.append(grouped: pool.peak) }
            line.right(8) { $0.append(grouped: pool.usable) }
            alarm(pool.failed, &line)
            line.append("  ")
            line.append(pool.key.local, port: 0)
            line.append(namespace: pool.key.netns, surroundings)
            if let top = pool.processes.top {
                line.append("  ")
                line.append(top)
            }
            line.append("\n")
        }
        omitted(of: summary.bindPools.count, &line)
    }

    private func failures(
        _ summary: Summary, _ surroundings: Surroundings, _ line: inout Line
    ) {
        let failures = summary.failures
        guard !failures.isEmpty else { return }
        heading("  failed  call, cause, process, and where from and to", &line)
        for (what, count) in failures.prefix(Self.rows) {
            line.right(8) { $0.append(grouped: count) }
            line.append("  ")
            let start = line.bytes.count
            line.append(what.call == .connect ? "connect()  " : "bind()     " as StaticString)
            line.append(what.cause?.rawValue ?? "-")
            line.pad(to: 23, since: start)
            line.append(what.process)
            line.append("  ")
            switch what.call {
            case .connect: line.append(what.tuple)
            case .bind: line.append(what.tuple.local, port: what.localPort)
            }
            line.append(namespaceOf: what.tuple, surroundings)
            line.append("\n")
        }
        omitted(of: failures.count, &line)
    }

    /// Eight columns, rounded down: 100 says that nothing is left.
    private func share(_ share: Double, _ line: inout Line) {
        line.right(8) {
            if share.isFinite {
                $0.append(tenths: (share * 1000).rounded(.down) / 10)
                $0.append(" %")
            } else {
                $0.append("-")
            }
        }
    }

    /// Nine columns, and a colour that stands out unless it is 0.
    private func alarm(_ count: Int, _ line: inout Line) {
        if count > 0 { style.begin(.alarm, &line) }
        line.right(9) { $0.append(grouped: count) }
        if count > 0 { style.end(&line) }
    }

    private func heading(_ text: StaticString, _ line: inout Line) {
        line.append("\n")
        style.begin(.heading, &line)
        line.append(text)
        style.end(&line)
        line.append("\n")
    }

    /// How many of `count` rows were left out, if any.
    private func omitted(of count: Int, _ line: inout Line) {
        guard count > Self.rows else { return }
        line.append("and ")
        line.append(grouped: count - Self.rows)
        line.append(" more\n")
    }
}
