import Events
import PortModel

extension HTMLPage {
    /// Rows of every table except that of the tuples.
    private static let limit = 200

    // MARK: Tuples and bind pools

    var tuples: TextBuffer {
        let find: TextBuffer = """
            <input class="find script" id="find" type="search" placeholder="find a tuple" \
            aria-label="find a tuple" hidden>

            """
        let all = rows.compactMap { row in
            row.tuple.map { tuple -> TextBuffer in
                let failure = tuple.firstFailureAt
                let time: TextBuffer = failure.map { "\(time: $0, timestamps)" } ?? ""
                let longest = Int(row.series?.points.reduce(0) { max($0, $1.search) } ?? 0)
                let search: TextBuffer = longest > 0 ? "\(duration: UInt64(longest) * 1000)" : ""
                return """
                    \(begin(row))\(cell: row.peak.usable, "n less")\(alarm: row.failed)\
                    \("n less", sortedBy: failure.map(elapsed), time)\
                    \(cell: tuple.totals.opened)\(cell: tuple.usage.held, "n less")\
                    \(cell: tuple.usage.timeWait, "n less")\("n less", sortedBy: longest, search)
                    """
            }
        }
        return table(
            "Tuples", "tuples", sortedBy: 1,
            [
                ("tuple, top process", .text), ("share", .number), ("peak", .number),
                ("usable", .detail), ("failed", .number), ("first failure", .detail),
                ("opened", .number), ("held at the end", .detail), ("TIME_WAIT", .detail),
                ("search", .detail),
            ], all, before: find, more(rowsOmitted, ", none with a greater share"))
    }

    var bindPools: TextBuffer {
        let all = rows.filter { $0.tuple == nil }
        let shown = all.prefix(Self.limit).map { row -> TextBuffer in
            "\(begin(row))\(cell: row.peak.usable)\(alarm: row.failed)"
        }
        return table(
            "Addresses that bind() chose ports for", "pools", sortedBy: 1,
            [
                ("address, top process", .text), ("share", .number), ("peak", .number),
                ("usable", .number), ("failed", .number),
            ], shown, more(all.count - Self.limit))
    }

    /// Name, share and peak.
    private func begin(_ row: Row) -> TextBuffer {
        var name: TextBuffer = "\(html: name(row))"
        if let chart = row.chart {
            name = "<button type=\"button\" data-tuple=\"\(chart)\">\(name)</button>"
        }
        if let process = row.process { name += "\("small", "\(process)")" }
        let share = row.peak.share
        return """
            <td class="place">\(name)</td><td class="n share\(if: share >= 1, " full")" \
            style="--share:\(share < 1 ? Int(share * 100) : 100)%">\(share: share)</td>\
            \(cell: row.peak.held)
            """
    }

    // MARK: Failures and moments

    var failures: TextBuffer {
        let all = all(\.summary.failures).sorted { $0.1.count > $1.1.count }
        let shown = all.prefix(Self.limit).map { host, failed -> TextBuffer in
            let call = failed.call
            let place: TextBuffer = "\(prefix(host))\(placeOf: call, reports[host].context)"
            return """
                \(alarm: failed.count)\("td", "\(call.process, of: failed.processes)")\
                \("td", "\(call.kind.function)")\
                \("td", "\(call.causeName)")\("td", class: "place", place)
                """
        }
        return table(
            "Failures by process", "failures", sortedBy: 0,
            [
                ("failed", .number), ("process", .text), ("call", .text), ("cause", .text),
                ("from, to", .text),
            ], shown, more(all.count - Self.limit))
    }

    /// The moments that the charts mark, and those that they do not.
    var moments: TextBuffer {
        // How settings came to be known is no news.
        let all = all(\.moments).filter { !$0.1.isFind }.sorted { $0.1.time < $1.1.time }
        let shown = all.prefix(Self.limit).map { host, moment -> TextBuffer in
            let elapsed = elapsed(moment.time)
            let after = moment.time - min(moment.time, begin)
            let place: TextBuffer = "\(prefix(host))\(place(of: moment, reports[host].context))"
            return """
                \("", sortedBy: elapsed, "\(time: moment.time, timestamps)")\
                \("n", sortedBy: elapsed, "\(duration: after)")\
                \("td", class: moment.tone, moment.text)\("td", class: "place", place)
                """
        }
        let omitted = reports.reduce(0) { $0 + $1.momentsOmitted }
        return table(
            "Moments", "moments", sortedBy: 0,
            [("time", .text), ("after", .number), ("what", .text), ("where", .text)], shown,
            more(all.count + omitted - Self.limit))
    }

    /// Those of all reports, each with the place of its report.
    private func all<Element>(_ elements: KeyPath<RunReport, [Element]>) -> [(Int, Element)] {
        reports.enumerated().flatMap { host, report in report[keyPath: elements].map { (host, $0) }
        }
    }

    private func place(of moment: Moment, _ context: RenderContext) -> TextBuffer {
        switch moment.kind {
        case .alert(let scope, _, _, _): name(scope, context)
        case .firstFailure(let call): name(call.scope, context)
        case .drift(let netns, _), .namespace(let netns, _): "netns \(nameOf: netns, context)"
        case .lost: ""
        }
    }

    // MARK: Facts

    /// Totals, accuracy and settings: a column for each host.
    var facts: TextBuffer {
        let totals = HostFact.calls + [.shareIfAny] + HostFact.held + [.counted]
        let accuracy = [.lost] + HostFact.audits + HostFact.corrections + [.dropped]
        let cells = reports.map { TextBuffer("<td>\(namespaces($0))</td>") }
        let name: TextBuffer = "<th scope=\"row\">network namespaces</th>"
        let row: TextBuffer = "<tr>\(name)\(joined: cells, by: "")</tr>\n"
        return """
            \(if: reports.count > 1, table("Hosts", totals))\(table("Accuracy", accuracy))\
            \(table("Settings", HostFact.settings, last: row))
            """
    }

    private func namespaces(_ report: RunReport) -> TextBuffer {
        let shown = 20
        let all = report.summary.namespaces
        var lines: [TextBuffer] = all.prefix(shown).map {
            "\(html: "\(nameOf: $0.netns, report.context): \(settings: $0)")"
        }
        if all.count > shown { lines.append("and \(grouped: all.count - shown) more") }
        return "\(joined: lines, by: "<br>")"
    }

    private func table(
        _ heading: StaticString, _ facts: [HostFact], last row: TextBuffer = ""
    ) -> TextBuffer {
        let titles = hosts.map { TextBuffer("<th scope=\"col\">\(html: $0)</th>") }
        let rows = facts.map { fact -> TextBuffer in
            let cells = reports.map { report -> TextBuffer in
                "\("td", class: fact.isAlarming(report) ? "bad" : "", fact.value(report))"
            }
            return "<tr><th scope=\"row\">\(fact.title)</th>\(joined: cells, by: "")</tr>\n"
        }
        return """
            <section>
            <h2>\(heading)</h2>
            <div class="scroll">
            <table class="facts">
            <thead><tr><td></td>\(joined: titles, by: "")</tr></thead>
            <tbody>
            \(joined: rows, by: "")\(row)</tbody>
            </table>
            </div>
            </section>

            """
    }

    // MARK: Any table

    /// The attribute of a column's title. A detail is a number that a phone has no room for.
    private enum Kind: String {
        case text = ""
        case number = " class=\"n\""
        case detail = " class=\"n less\""
    }

    /// A section with a table of so many cells a row, in the order of the column at `sorted`; nothing
    /// without rows.
    private func table(
        _ heading: StaticString, _ identifier: StaticString, sortedBy sorted: Int,
        _ columns: [(name: StaticString, kind: Kind)], _ rows: [TextBuffer],
        before start: TextBuffer = "", _ more: TextBuffer
    ) -> TextBuffer {
        guard !rows.isEmpty else { return "" }
        let titles = columns.enumerated().map { place, column -> TextBuffer in
            let order: TextBuffer = column.kind == .text ? "ascending" : "descending"
            let attribute: TextBuffer = "\(if: place == sorted, " aria-sort=\"\(order)\"")"
            return "<th scope=\"col\"\(column.kind.rawValue)\(attribute)>\(column.name)</th>"
        }
        return """
            <section>
            \(start)<h2>\(heading)</h2>
            <div class="scroll tall">
            <table class="sortable" id="\(identifier)">
            <thead><tr>\(joined: titles, by: "")</tr></thead>
            <tbody>
            <tr>\(joined: rows, by: "</tr>\n<tr>")</tr>
            </tbody>
            </table>
            </div>
            \(more)</section>

            """
    }

    private func more(_ count: Int, _ end: StaticString = "") -> TextBuffer {
        count > 0 ? "\("p", class: "faint", "And \(grouped: count) more\(end).")" : ""
    }
}

extension Moment {
    fileprivate var isFind: Bool {
        if case .namespace(_, .found) = kind { true } else { false }
    }

    fileprivate var tone: StaticString {
        switch kind {
        case .alert(_, let level, _, _): level > 0 ? "alert" : ""
        case .firstFailure, .lost, .drift: "bad"
        case .namespace: ""
        }
    }

    fileprivate var text: TextBuffer {
        switch kind {
        case .alert(_, let level, let usage, let exhaustedIn):
            """
            \(if: level > 0, "crossed \(level) %", else: "recovered"): \(grouped: usage.held) of \
            \(grouped: usage.usable) held\
            \(if: exhaustedIn ?? 0 > 0, ", full in \(tenths: exhaustedIn ?? 0) s")
            """
        case .firstFailure(let call):
            "first failure of \(call.kind.function), \(call.causeName): \(call.process)"
        case .lost(let count): "\(grouped: count) records lost"
        case .drift(_, let ports): "\(grouped: ports) ports wrong, corrected by an audit"
        case .namespace(_, let kind): kind == .gone ? "namespace gone" : "settings changed"
        }
    }
}
