import Events
import PortModel

/// Writes the report on exit as text.
struct SummaryWriter {
    let style: Style
    let layout: Layout

    /// Rows of either list for a person; JSON has more.
    private static let rows = 20

    func write(_ summary: Summary, in context: RenderContext, to line: inout TextBuffer) {
        line += "\n\(style(.heading, "Summary of \(duration: summary.duration)"))\n"
        line += layout.folded("\(totals(summary))\n\(accuracy(summary))\n", indent: 13)
        line += layout.folded(namespaces(summary, context), indent: 4)
        tuples(summary, context, &line)
        bindPools(summary, context, &line)
        line += layout.folded(failures(summary, context), indent: 10)
    }

    private func totals(_ summary: Summary) -> TextBuffer {
        let (exhausted, others) = (summary.portExhaustion, summary.otherErrors)
        var text: TextBuffer = "  connects   \(grouped: summary.totals.opened) opened, "
        text += "\(grouped: summary.totals.closed) closed, \(portExhaustion(exhausted.connects))"
        if exhausted.binds > 0 { text += "\n  bind()     \(portExhaustion(exhausted.binds))" }
        if others.total > 0 {
            text += "\n  refused    "
            if others.connects > 0 { text += "\(grouped: others.connects) connect(), " }
            if others.binds > 0 { text += "\(grouped: others.binds) bind(), " }
            text += "not for want of a port"
        }
        text += "\n  ports      \(grouped: summary.held) held at the end"
        if summary.held > 0 {
            text += ", \(grouped: summary.timeWait) of them "
            text += "(\(percent: summary.timeWait, of: summary.held)) in TIME_WAIT"
        }
        if summary.isPartial, summary.tuples.contains(where: \.isUsedByOthers) {
            text += "\n             of the chosen processes only; others hold ports, too"
        }
        return text
    }

    private func portExhaustion(_ count: Int) -> TextBuffer {
        style(count > 0 ? .alarm : nil, "\(grouped: count) failed for want of a port")
    }

    private func accuracy(_ summary: Summary) -> TextBuffer {
        let accuracy = summary.accuracy
        let indent: TextBuffer = "\n             "
        var text: TextBuffer = "  accuracy   \(grouped: accuracy.lost) records lost, "
        text += "\(grouped: summary.linesDropped) lines of output dropped"
        if accuracy.audits > 0 {
            text += "\(indent)\(accuracy.audits, "audit") against the kernel's table, "
            text += "largest drift \(grouped: accuracy.largestDrift), "
            text += "last \(grouped: accuracy.lastDrift)"
        }
        if accuracy.uncertain > 0 {
            text +=
                "\(indent)\(accuracy.uncertain, "socket") not counted: they may be what a server "
            text += "left that is gone"
        }
        if accuracy.repairs > 0 {
            text += "\(indent)\(accuracy.repairs, "repair") from the kernel's table"
        }
        if accuracy.skipped > 0 {
            text += "\(indent)\(grouped: accuracy.skipped) runs skipped by the kernel, "
            text += "\(grouped: accuracy.slipped) not caught by a copy"
        }
        if !accuracy.isComplete {
            text += "\(indent)ports held are exact, totals by tuple are lower bounds"
        }
        return text
    }

    private func namespaces(_ summary: Summary, _ context: RenderContext) -> TextBuffer {
        guard !summary.namespaces.isEmpty else { return "" }
        var text = heading("  namespaces")
        for namespace in summary.namespaces.prefix(Self.rows) {
            text += "  \(nameOf: namespace.netns, context): \(settings: namespace)\n"
        }
        return "\(text)\(omitted(of: summary.namespaces.count))"
    }

    private func tuples(_ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer) {
        guard !summary.tuples.isEmpty else { return }
        var table = Table(tuplesLabelled: "tuple, top process")
        for row in summary.tuples.prefix(Self.rows) {
            table.append(row, context)
            table.append(errors: row.errors, context)
        }
        line += "\n"
        table.write(layout, style, to: &line)
        let more = max(0, summary.tuples.count - Self.rows) + summary.tuplesOmitted
        if more > 0 { line += "and \(grouped: more) more, none with a greater share\n" }
    }

    private func bindPools(_ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer) {
        guard !summary.bindPools.isEmpty else { return }
        var table = Table(
            [("share", 8), ("peak", 8), ("usable", 8), ("failed", 9)],
            label: "address that bind() chose for, top process")
        for pool in summary.bindPools.prefix(Self.rows) {
            let figures = [
                Table.Figure(share: pool.peakUsage.share), Table.Figure(pool.peak),
                Table.Figure(pool.usable), Table.Figure(alarming: pool.failed),
            ]
            let place: TextBuffer = "\(pool.key.local, port: 0)\(netns: pool.key.netns, context)"
            table.append(figures, "\(place)\(top: pool.topProcess)")
        }
        line += "\n"
        table.write(layout, style, to: &line)
        line += omitted(of: summary.bindPools.count)
    }

    private func failures(_ summary: Summary, _ context: RenderContext) -> TextBuffer {
        let failures = summary.failures
        guard !failures.isEmpty else { return "" }
        var text = heading("  failed  call, cause, process, and where from and to")
        for failed in failures.prefix(Self.rows) {
            text += "\(right: 8, "\(grouped: failed.count)")  \(failed.call, context)\n"
        }
        return "\(text)\(omitted(of: failures.count))"
    }

    func heading(_ text: TextBuffer) -> TextBuffer { "\n\(style(.heading, text))\n" }

    /// Says how many of `count` rows were left out, if any.
    private func omitted(of count: Int) -> TextBuffer {
        count > Self.rows ? "and \(grouped: count - Self.rows) more\n" : ""
    }
}

extension Summary.BindPoolRow {
    var peakUsage: PortUsage { PortUsage(held: peak, usable: usable) }
}

extension Table {
    /// Makes a table of tuples as a summary has them.
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
            Figure(share: row.peak.share), Figure(row.peak.held), Figure(row.usage.held),
            Figure(row.usage.timeWait), Figure(row.totals.opened),
            Figure(alarming: row.totals.failed),
        ]
        let host: TextBuffer = host.map { "\($0): " } ?? ""
        let place: TextBuffer = "\(row.tuple, context)\(netns: row.tuple.netns, context)"
        append(figures, "\(host)\(place)\(top: row.topProcess)")
    }

    /// Appends what became of connects in the row before that got a port, but no connection.
    mutating func append(errors: [UInt16: Int], _ context: RenderContext) {
        let named = errors.map { (context.errnoName(Int32($0.key)), $0.value) }
        for (name, count) in named.sorted(by: { ($0.1, $1.0) > ($1.1, $0.0) }) {
            append([nil, nil, nil, nil, Figure(count)], "of them \(name)")
        }
    }
}

extension TextBuffer {
    /// `connect()  exhausted   wrk[4123]  10.0.0.1 → 10.0.0.9:80`
    mutating func appendInterpolation(_ call: FailedCall, _ context: RenderContext) {
        let cause = TextBuffer("\(left: 11, "\(call.kind.function)")\(call.causeName)")
        self += "\(left: 23, cause)\(call.process)  \(placeOf: call, context)"
    }

    /// `10.0.0.1 → 10.0.0.9:80 netns blue`, or of bind() `10.0.0.1:8080`
    mutating func appendInterpolation(placeOf call: FailedCall, _ context: RenderContext) {
        switch call.scope {
        case .tuple(let tuple): append(tuple, context)
        case .bindPool(let key): append(key.local, port: call.localPort)
        }
        append(namespace: call.scope.netns, context)
    }
}
