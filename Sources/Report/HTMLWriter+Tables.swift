import PortModel

extension HTMLWriter {
    /// Rows of a table but that of the tuples.
    static let limit = 200

    // MARK: Tuples

    private static let tupleColumns = [
        Column("tuple, top process"), Column("share", .number, isSorted: true),
        Column("peak", .number), Column("usable", .detail), Column("failed", .number),
        Column("first failure", .detail), Column("opened", .number),
        Column("held at the end", .detail), Column("TIME_WAIT", .detail),
        Column("search", .detail),
    ]

    func tuples(_ page: HTMLPage, _ line: inout TextBuffer) {
        let rows = page.rows.filter { $0.tuple != nil }
        guard !rows.isEmpty else { return }
        line.append("<section>\n<input class=\"find script\" id=\"find\" type=\"search\"")
        line.append(" placeholder=\"find a tuple\" aria-label=\"find a tuple\" hidden>\n")
        beginTable("Tuples", "tuples", Self.tupleColumns, &line)
        for row in rows {
            guard let tuple = row.tuple else { continue }
            begin(row, page, &line)
            line.cell(row.peak.usable, "n less")
            line.cell(alarm: row.failed)
            line.beginCell("n less", sortedBy: tuple.firstFailureAt.map(page.elapsed))
            if let time = tuple.firstFailureAt { page.timestamps.appendLocal(time, to: &line) }
            line.close("td")
            line.cell(tuple.totals.opened)
            line.cell(tuple.usage.held, "n less")
            line.cell(tuple.usage.timeWait, "n less")
            search(row.series, &line)
            line.append("</tr>\n")
        }
        line.append("</tbody>\n</table>\n</div>\n")
        if page.rowsOmitted > 0 {
            line.element("p", "faint") {
                $0.append("And ")
                $0.append(grouped: page.rowsOmitted)
                $0.append(" more, none with a greater share.")
            }
        }
        line.append("</section>\n")
    }

    /// The longest search for a port.
    private func search(_ series: TimeSeries?, _ line: inout TextBuffer) {
        let longest = series?.points.reduce(0) { max($0, $1.search) } ?? 0
        line.beginCell("n less", sortedBy: Int(longest))
        if longest > 0 { line.append(duration: UInt64(longest) * 1000) }
        line.close("td")
    }

    /// Name, share and peak.
    private func begin(_ row: HTMLPage.Row, _ page: HTMLPage, _ line: inout TextBuffer) {
        line.append("<tr><td class=\"place\">")
        if let chart = row.chart {
            line.append("<button type=\"button\" data-tuple=\"")
            line.append(chart)
            line.append("\">")
        }
        line.text { name(row, page, &$0) }
        if row.chart != nil { line.append("</button>") }
        if let process = row.process { line.element("small") { $0.append(process) } }
        let share = row.peak.share
        line.append(share < 1 ? "</td><td class=\"n share\"" : "</td><td class=\"n share full\"")
        line.append(" style=\"--share:")
        line.append(share < 1 ? Int(share * 100) : 100)
        line.append("%\">")
        line.append(share: share)
        line.append("</td>")
        line.cell(row.peak.held)
    }

    // MARK: Bind pools

    func bindPools(_ page: HTMLPage, _ line: inout TextBuffer) {
        let rows = page.rows.filter { $0.tuple == nil }
        guard !rows.isEmpty else { return }
        line.append("<section>\n")
        beginTable(
            "Addresses that bind() chose ports for", "pools",
            [
                Column("address, top process"), Column("share", .number, isSorted: true),
                Column("peak", .number), Column("usable", .number), Column("failed", .number),
            ], &line)
        for row in rows.prefix(Self.limit) {
            begin(row, page, &line)
            line.cell(row.peak.usable)
            line.cell(alarm: row.failed)
            line.append("</tr>\n")
        }
        endTable(rows.count, &line)
    }

    // MARK: Failures

    func failures(_ page: HTMLPage, _ line: inout TextBuffer) {
        var all: [(host: Int, failed: FailedCall.Count)] = []
        for (host, report) in page.reports.enumerated() {
            all += report.summary.failures.map { (host, $0) }
        }
        guard !all.isEmpty else { return }
        all.sort { $0.failed.count > $1.failed.count }
        line.append("<section>\n")
        beginTable(
            "Failures by process", "failures",
            [
                Column("failed", .number, isSorted: true), Column("process"), Column("call"),
                Column("cause"), Column("from, to"),
            ], &line)
        for (host, failed) in all.prefix(Self.limit) {
            let call = failed.call
            line.append("<tr>")
            line.cell(alarm: failed.count)
            line.element("td") { $0.append(call.process) }
            line.element("td") { $0.append(call.kind == .connect ? "connect()" : "bind()") }
            line.element("td") { $0.append(call.causeName) }
            line.element("td", "place") {
                if page.hosts.count > 1 {
                    $0.append(page.hosts[host])
                    $0.append(": ")
                }
                $0.append(placeOf: call, page.reports[host].context)
            }
            line.append("</tr>\n")
        }
        endTable(all.count, &line)
    }

    // MARK: Any table

    struct Column: Sendable {
        /// A detail is a number that a phone has no room for.
        enum Kind { case text, number, detail }

        let name: StaticString
        let kind: Kind
        /// The rows come in its order.
        let isSorted: Bool

        init(_ name: StaticString, _ kind: Kind = .text, isSorted: Bool = false) {
            self.name = name
            self.kind = kind
            self.isSorted = isSorted
        }
    }

    /// A heading, and a table up to its rows.
    func beginTable(
        _ heading: StaticString, _ identifier: StaticString, _ columns: [Column],
        _ line: inout TextBuffer
    ) {
        line.append("<h2>")
        line.append(heading)
        line.append("</h2>\n<div class=\"scroll tall\">\n<table class=\"sortable\" id=\"")
        line.append(identifier)
        line.append("\">\n<thead><tr>")
        for column in columns {
            line.append("<th scope=\"col\"")
            switch column.kind {
            case .text: break
            case .number: line.append(" class=\"n\"")
            case .detail: line.append(" class=\"n less\"")
            }
            if column.isSorted {
                line.append(" aria-sort=\"")
                line.append(column.kind == .text ? "ascending\"" : "descending\"")
            }
            line.append(">")
            line.append(column.name)
            line.append("</th>")
        }
        line.append("</tr></thead>\n<tbody>\n")
    }

    /// Ends a table of which the first `limit` rows are shown.
    func endTable(_ count: Int, _ line: inout TextBuffer) {
        line.append("</tbody>\n</table>\n</div>\n")
        if count > Self.limit {
            line.element("p", "faint") {
                $0.append("And ")
                $0.append(grouped: count - Self.limit)
                $0.append(" more.")
            }
        }
        line.append("</section>\n")
    }
}
