import PortModel

/// Writes the report on exit as text.
struct SummaryWriter {
    let style: Style
    let layout: Layout

    /// What a person wants to see of either list; JSON has more.
    private static let rows = 20

    func write(_ summary: Summary, in context: RenderContext, to line: inout TextBuffer) {
        line.append("\n")
        style.begin(.heading, &line)
        line.append("Summary of ")
        line.append(duration: summary.duration)
        style.end(&line)
        line.append("\n")
        layout.fold(&line, indent: 13) { totals(summary, &$0) }
        layout.fold(&line, indent: 4) { namespaces(summary, context, &$0) }
        tuples(summary, context, &line)
        bindPools(summary, context, &line)
        layout.fold(&line, indent: 10) { failures(summary, context, &$0) }
    }

    private func totals(_ summary: Summary, _ line: inout TextBuffer) {
        line.append("  connects   ")
        line.append(grouped: summary.totals.opened)
        line.append(" opened, ")
        line.append(grouped: summary.totals.closed)
        line.append(" closed, ")
        portExhaustion(summary.portExhaustion.connects, &line)
        if summary.portExhaustion.binds > 0 {
            line.append("\n  bind()     ")
            portExhaustion(summary.portExhaustion.binds, &line)
        }
        let (connects, binds) = (summary.otherErrors.connects, summary.otherErrors.binds)
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
        if summary.isPartial, summary.tuples.contains(where: \.isUsedByOthers) {
            line.append("\n             of the chosen processes only; others hold ports, too")
        }
        line.append("\n")
        accuracy(summary, &line)
    }

    private func portExhaustion(_ count: Int, _ line: inout TextBuffer) {
        if count > 0 { style.begin(.alarm, &line) }
        line.append(grouped: count)
        line.append(" failed for want of a port")
        if count > 0 { style.end(&line) }
    }

    private func accuracy(_ summary: Summary, _ line: inout TextBuffer) {
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
        _ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        guard !summary.namespaces.isEmpty else { return }
        heading("  namespaces", &line)
        for namespace in summary.namespaces.prefix(Self.rows) {
            line.append("  ")
            line.append(nameOf: namespace.netns, context)
            line.append(": ")
            line.append(settings: namespace)
            line.append("\n")
        }
        omitted(of: summary.namespaces.count, &line)
    }

    private func tuples(_ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer) {
        guard !summary.tuples.isEmpty else { return }
        var table = Table(tuplesLabelled: "tuple, top process")
        for row in summary.tuples.prefix(Self.rows) {
            table.append(row, context)
            table.append(errors: row.errors, context)
        }
        line.append("\n")
        table.write(layout, style, to: &line)
        let more = max(0, summary.tuples.count - Self.rows) + summary.tuplesOmitted
        if more > 0 {
            line.append("and ")
            line.append(grouped: more)
            line.append(" more, none with a greater share\n")
        }
    }

    private func bindPools(
        _ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        guard !summary.bindPools.isEmpty else { return }
        var table = Table(
            [("share", 8), ("peak", 8), ("usable", 8), ("failed", 9)],
            label: "address that bind() chose for, top process")
        for pool in summary.bindPools.prefix(Self.rows) {
            let peak = PortUsage(held: pool.peak, usable: pool.usable)
            let figures = [
                Table.Figure(share: peak.share, otherwise: "-"), Table.Figure(pool.peak),
                Table.Figure(pool.usable), Table.Figure(alarming: pool.failed),
            ]
            table.append(figures) {
                $0.append(pool.key.local, port: 0)
                $0.append(namespace: pool.key.netns, context)
                $0.append(top: pool.topProcess)
            }
        }
        line.append("\n")
        table.write(layout, style, to: &line)
        omitted(of: summary.bindPools.count, &line)
    }

    private func failures(
        _ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        let failures = summary.failures
        guard !failures.isEmpty else { return }
        heading("  failed  call, cause, process, and where from and to", &line)
        for failed in failures.prefix(Self.rows) {
            line.right(8) { $0.append(grouped: failed.count) }
            line.append("  ")
            line.append(failed.call, context)
            line.append("\n")
        }
        omitted(of: failures.count, &line)
    }

    func heading(_ text: StaticString, _ line: inout TextBuffer) {
        line.append("\n")
        style.begin(.heading, &line)
        line.append(text)
        style.end(&line)
        line.append("\n")
    }

    /// How many of `count` rows were left out, if any.
    private func omitted(of count: Int, _ line: inout TextBuffer) {
        guard count > Self.rows else { return }
        line.append("and ")
        line.append(grouped: count - Self.rows)
        line.append(" more\n")
    }
}

extension Table {
    /// For tuples as a summary has them.
    init(tuplesLabelled label: StaticString) {
        self.init(
            [
                ("share", 8), ("peak", 8), ("held", 8), ("TIME_WAIT", 10), ("opened", 10),
                ("failed", 9),
            ], label: label)
    }

    mutating func append(
        _ row: Summary.TupleRow, _ context: RenderContext, host: TextBuffer? = nil
    ) {
        let figures = [
            Figure(share: row.peak.share, otherwise: "-"), Figure(row.peak.held),
            Figure(row.usage.held), Figure(row.usage.timeWait), Figure(row.totals.opened),
            Figure(alarming: row.totals.failed),
        ]
        append(figures) {
            if let host {
                $0.append(host)
                $0.append(": ")
            }
            $0.append(row.tuple, context)
            $0.append(namespaceOf: row.tuple, context)
            $0.append(top: row.topProcess)
        }
    }

    /// What became of connects in the row before that got a port, but no connection.
    mutating func append(errors: [UInt16: Int], _ context: RenderContext) {
        let named = errors.map { (context.errnoName(Int32($0.key)), $0.value) }
        for (name, count) in named.sorted(by: { ($0.1, $1.0) > ($1.1, $0.0) }) {
            append([nil, nil, nil, nil, Figure(count)]) {
                $0.append("of them ")
                $0.append(name)
            }
        }
    }
}

extension TextBuffer {
    /// In percent, rounded down: 100 says that nothing is left.
    mutating func append(share: Double) {
        guard share.isFinite else { return append("-") }
        append(tenths: (share * 1000).rounded(.down) / 10)
        append(" %")
    }

    /// `  wrk[4123]`, if there is one.
    mutating func append(top process: ProcessID?) {
        guard let process else { return }
        append("  ")
        append(process)
    }

    /// `connect()  exhausted   wrk[4123]  10.0.0.1 → 10.0.0.9:80`
    mutating func append(_ call: FailedCall, _ context: RenderContext) {
        let start = bytes.count
        append(call.kind == .connect ? "connect()  " : "bind()     " as StaticString)
        append(call.causeName)
        pad(to: 23, since: start)
        append(call.process)
        append("  ")
        append(placeOf: call, context)
    }

    /// From and to where, and the namespace unless it goes without saying.
    mutating func append(placeOf call: FailedCall, _ context: RenderContext) {
        switch call.scope {
        case .tuple(let tuple): append(tuple, context)
        case .bindPool(let key): append(key.local, port: call.localPort)
        }
        append(namespace: call.scope.netns, context)
    }
}
