import Events
import PortModel

extension TextWriter {
    /// Rows of each list for a person; JSON has more.
    static let rows = 20

    /// The report on exit, and what it advises.
    func text(of summary: Summary, in context: RenderContext) -> TextBuffer {
        """

        \(style(.heading, "Summary of \(duration: summary.duration)"))
        \(layout.folded("\(totals(summary))\n\(accuracy(summary))\n", indent: 13))\
        \(layout.folded(namespaces(summary, context), indent: 4))\
        \(tuples(summary, context))\(bindPools(summary, context))\
        \(layout.folded(failures(summary, context), indent: 10))\
        \(text(of: summary.advice, in: context))
        """
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
        if summary.others > 0 {
            text += "\n             \(grouped: summary.held - summary.others) by the chosen "
            text += "processes, \(grouped: summary.others) by others"
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
        list("  namespaces", summary.namespaces) { namespace in
            "  \(nameOf: namespace.netns, context): \(settings: namespace)"
        }
    }

    private func tuples(_ summary: Summary, _ context: RenderContext) -> TextBuffer {
        guard !summary.tuples.isEmpty else { return "" }
        var table = Table(tuplesLabelled: "tuple, top process")
        for row in summary.tuples.prefix(Self.rows) {
            table.append(row, context)
            table.append(errors: row.errors, context)
        }
        let omitted = max(0, summary.tuples.count - Self.rows) + summary.tuplesOmitted
        return "\n\(table.text(layout, style))\(more: omitted, ", none with a greater share")"
    }

    private func bindPools(_ summary: Summary, _ context: RenderContext) -> TextBuffer {
        let pools = summary.bindPools
        guard !pools.isEmpty else { return "" }
        var table = Table(
            columns: [("share", 8), ("peak", 8), ("usable", 8), ("failed", 9)],
            label: "address that bind() chose for, top process")
        for pool in pools.prefix(Self.rows) {
            let figures = [
                Table.Figure(share: pool.peakUsage.share), Table.Figure(pool.peak),
                Table.Figure(pool.usable), Table.Figure(pool.failed, alarms: true),
            ]
            let place: TextBuffer = "\(pool.key.local, port: 0)\(netns: pool.key.netns, context)"
            table.rows.append((figures, "\(place)\(top: pool.topProcess)"))
        }
        return "\n\(table.text(layout, style))\(more: pools.count - Self.rows)"
    }

    private func failures(_ summary: Summary, _ context: RenderContext) -> TextBuffer {
        list("  failed  call, cause, process, and where from and to", summary.failures) { failed in
            "\(right: 8, "\(grouped: failed.count)")  \(failed, context)"
        }
    }

    /// A line for each of the first elements; nothing if there are none.
    func list<Element>(
        _ heading: TextBuffer, _ all: [Element], _ line: (Element) -> TextBuffer
    ) -> TextBuffer {
        guard !all.isEmpty else { return "" }
        let lines = all.prefix(Self.rows).map(line)
        return """

            \(style(.heading, heading))
            \(joined: lines, by: "\n")
            \(more: all.count - Self.rows)
            """
    }

    /// What is advised: for each tuple or bind pool what it lacked, and then, numbered, what to do,
    /// the figure first and the exact setting or call below. Nothing if there is nothing.
    func text(of all: [Advice], in context: RenderContext) -> TextBuffer {
        guard !all.isEmpty else { return "" }
        let indent = 5
        func paragraph(_ text: TextBuffer) -> TextBuffer {
            var paragraph: TextBuffer = "\(text)\n"
            paragraph.fold(since: 0, width: layout.prose, indent: indent)
            return paragraph
        }
        let heading = style(.heading, "  advice  what would have helped, most useful first")
        var text: TextBuffer = "\n\(layout.folded("\(heading)\n", indent: 10))"
        for (index, advice) in all.enumerated() {
            if index == 0 || all[index - 1].scope != advice.scope {
                text += layout.folded("  \(scopeOf: advice, context)\n", indent: indent)
                text += paragraph("\(spaces: indent)\(advice.situation)")
            }
            text += paragraph("\(if: index < 9, " ") \(index + 1). \(advice.text(context))")
            // A command stays whole, to be copied.
            if let setting = advice.setting { text += "       \(setting)\n" }
        }
        return text
    }
}

extension Summary.BindPoolRow {
    var peakUsage: PortUsage { PortUsage(held: peak, usable: usable) }
}

extension Table {
    /// Makes a table of tuples as a summary has them.
    init(tuplesLabelled label: StaticString) {
        self.init(
            columns: [
                ("share", 8), ("peak", 8), ("held", 8), ("TIME_WAIT", 10), ("opened", 10),
                ("failed", 9),
            ], label: label)
    }

    mutating func append(_ row: Summary.TupleRow, _ context: RenderContext, host: TextBuffer = "") {
        let figures = [
            Figure(share: row.peak.share), Figure(row.peak.held), Figure(row.usage.held),
            Figure(row.usage.timeWait), Figure(row.totals.opened),
            Figure(row.totals.failed, alarms: true),
        ]
        let place: TextBuffer = "\(row.tuple, context)\(netns: row.tuple.netns, context)"
        rows.append((figures, "\(host)\(place)\(top: row.topProcess)"))
    }

    /// Appends what became of connects in the row before that got a port, but no connection.
    mutating func append(errors: [UInt16: Int], _ context: RenderContext) {
        let named = errors.map { (context.errnoName(Int32($0.key)), $0.value) }
        for (name, count) in named.sorted(by: { ($0.1, $1.0) > ($1.1, $0.0) }) {
            rows.append(([nil, nil, nil, nil, Figure(count)], "of them \(name)"))
        }
    }
}

extension TextBuffer {
    /// Says how many rows were left out, if any.
    mutating func appendInterpolation(more count: Int, _ end: StaticString = "") {
        self += "\(if: count > 0, "and \(grouped: count) more\(end)\n")"
    }

    /// `connect()  exhausted   wrk[4123]  10.0.0.1 → 10.0.0.9:80`
    mutating func appendInterpolation(_ failed: FailedCall.Count, _ context: RenderContext) {
        let call = failed.call
        let cause = TextBuffer("\(left: 11, "\(call.kind.function)")\(call.causeName)")
        self += "\(left: 23, cause)\(call.process, of: failed.processes)  "
        self += "\(placeOf: call, context)"
    }

    /// `10.0.0.1 → 10.0.0.9:80 netns blue`, or of bind() `10.0.0.1:8080`
    mutating func appendInterpolation(placeOf call: FailedCall, _ context: RenderContext) {
        switch call.scope {
        case .tuple(let tuple): self += "\(tuple, context)"
        case .bindPool(let key): self += "\(key.local, port: call.localPort)"
        }
        self += "\(netns: call.scope.netns, context)"
    }
}
