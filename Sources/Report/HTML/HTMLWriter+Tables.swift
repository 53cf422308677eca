import Events
import PortModel

extension HTMLWriter {
    /// Rows of every table except that of the tuples.
    static let limit = 200

    // MARK: Tuples

    private static let tupleColumns = [
        Column("tuple, top process"), Column("share", .number, isSorted: true),
        Column("peak", .number), Column("usable", .detail), Column("failed", .number),
        Column("first failure", .detail), Column("opened", .number),
        Column("held at the end", .detail), Column("TIME_WAIT", .detail), Column("search", .detail),
    ]

    func tuples(_ page: HTMLPage, _ line: inout TextBuffer) {
        let rows = page.rows.filter { $0.tuple != nil }
        guard !rows.isEmpty else { return }
        line += "<section>\n<input class=\"find script\" id=\"find\" type=\"search\""
        line += " placeholder=\"find a tuple\" aria-label=\"find a tuple\" hidden>\n"
        beginTable("Tuples", "tuples", Self.tupleColumns, &line)
        for row in rows {
            guard let tuple = row.tuple else { continue }
            begin(row, page, &line)
            line.cell(row.peak.usable, "n less")
            line.cell(alarm: row.failed)
            let failure = tuple.firstFailureAt
            line.cell(
                "n less", sortedBy: failure.map(page.elapsed),
                failure.map { "\(time: $0, page.timestamps)" } ?? "")
            line.cell(tuple.totals.opened)
            line.cell(tuple.usage.held, "n less")
            line.cell(tuple.usage.timeWait, "n less")
            search(row.series, &line)
            line += "</tr>\n"
        }
        line += "</tbody>\n</table>\n</div>\n"
        if page.rowsOmitted > 0 {
            line.element(
                "p", "faint", "And \(grouped: page.rowsOmitted) more, none with a greater share.")
        }
        line += "</section>\n"
    }

    /// Writes the longest search for a port.
    private func search(_ series: TimeSeries?, _ line: inout TextBuffer) {
        let longest = series?.points.reduce(0) { max($0, $1.search) } ?? 0
        line.cell(
            "n less", sortedBy: Int(longest),
            longest > 0 ? "\(duration: UInt64(longest) * 1000)" : "")
    }

    /// Writes name, share and peak.
    private func begin(_ row: HTMLPage.Row, _ page: HTMLPage, _ line: inout TextBuffer) {
        let name = TextBuffer("\(html: name(row, page))")
        line += "<tr><td class=\"place\">"
        if let chart = row.chart {
            line += "<button type=\"button\" data-tuple=\"\(chart)\">\(name)</button>"
        } else {
            line += name
        }
        if let process = row.process { line.element("small", "", "\(process)") }
        let share = row.peak.share
        line += "</td><td class=\"n share\(if: share >= 1, " full")\""
        line += " style=\"--share:\(share < 1 ? Int(share * 100) : 100)%\">\(share: share)</td>"
        line.cell(row.peak.held)
    }

    // MARK: Bind pools

    func bindPools(_ page: HTMLPage, _ line: inout TextBuffer) {
        let rows = page.rows.filter { $0.tuple == nil }
        guard !rows.isEmpty else { return }
        line += "<section>\n"
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
            line += "</tr>\n"
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
        line += "<section>\n"
        beginTable(
            "Failures by process", "failures",
            [
                Column("failed", .number, isSorted: true), Column("process"), Column("call"),
                Column("cause"), Column("from, to"),
            ], &line)
        for (host, failed) in all.prefix(Self.limit) {
            let call = failed.call
            line += "<tr>"
            line.cell(alarm: failed.count)
            line.element("td", "", "\(call.process)")
            line.element("td", "", "\(call.kind.function)")
            line.element("td", "", "\(call.causeName)")
            let place = TextBuffer("\(placeOf: call, page.reports[host].context)")
            line.element("td", "place", "\(page.prefix(host))\(place)")
            line += "</tr>\n"
        }
        endTable(all.count, &line)
    }

    // MARK: Any table

    struct Column: Sendable {
        /// A detail is a number that a phone has no room for.
        enum Kind {
            case text, number, detail

            var attribute: StaticString {
                switch self {
                case .text: ""
                case .number: " class=\"n\""
                case .detail: " class=\"n less\""
                }
            }
        }

        let name: StaticString
        let kind: Kind
        /// The rows come in its order.
        let isSorted: Bool

        init(_ name: StaticString, _ kind: Kind = .text, isSorted: Bool = false) {
            (self.name, self.kind, self.isSorted) = (name, kind, isSorted)
        }
    }

    /// Writes a heading, and a table up to its rows.
    func beginTable(
        _ heading: StaticString, _ identifier: StaticString, _ columns: [Column],
        _ line: inout TextBuffer
    ) {
        line += "<h2>\(heading)</h2>\n<div class=\"scroll tall\">\n"
        line += "<table class=\"sortable\" id=\"\(identifier)\">\n<thead><tr>"
        for column in columns {
            let order: TextBuffer = column.kind == .text ? "ascending" : "descending"
            line += "<th scope=\"col\"\(column.kind.attribute)"
            line += "\(if: column.isSorted, " aria-sort=\"\(order)\"")>\(column.name)</th>"
        }
        line += "</tr></thead>\n<tbody>\n"
    }

    /// Ends a table of which the first `limit` rows are shown.
    func endTable(_ count: Int, _ line: inout TextBuffer) {
        line += "</tbody>\n</table>\n</div>\n"
        if count > Self.limit {
            line.element("p", "faint", "And \(grouped: count - Self.limit) more.")
        }
        line += "</section>\n"
    }
}
