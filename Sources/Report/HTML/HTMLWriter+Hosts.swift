import Events
import PortModel

extension HTMLWriter {
    private static let namespaces = 20

    /// Writes totals, accuracy and settings: a column for each host.
    func hosts(_ page: HTMLPage, _ line: inout TextBuffer) {
        if page.reports.count > 1 {
            let totals = HostFact.calls + [.shareIfAny] + HostFact.held + [.counted]
            table("Hosts", totals, page, &line)
        }
        table(
            "Accuracy", [.lost] + HostFact.audits + HostFact.corrections + [.dropped], page, &line)
        let cells = page.reports.map { TextBuffer("<td>\(namespaces($0))</td>") }
        let name: TextBuffer = "<th scope=\"row\">network namespaces</th>"
        let row: TextBuffer = "<tr>\(name)\(joined: cells, by: "")</tr>\n"
        table("Settings", HostFact.settings, page, &line, last: row)
    }

    private func namespaces(_ report: RunReport) -> TextBuffer {
        let all = report.summary.namespaces
        var lines: [TextBuffer] = all.prefix(Self.namespaces).map {
            "\(html: "\(nameOf: $0.netns, report.context): \(settings: $0)")"
        }
        let more = all.count - Self.namespaces
        if more > 0 { lines.append("and \(grouped: more) more") }
        return "\(joined: lines, by: "<br>")"
    }

    private func table(
        _ heading: StaticString, _ facts: [HostFact], _ page: HTMLPage, _ line: inout TextBuffer,
        last row: TextBuffer = ""
    ) {
        line += "<section>\n<h2>\(heading)</h2>\n<div class=\"scroll\">\n"
        line += "<table class=\"facts\">\n<thead><tr><td></td>"
        for host in page.hosts { line += "<th scope=\"col\">\(html: host)</th>" }
        line += "</tr></thead>\n<tbody>\n"
        for fact in facts {
            line += "<tr><th scope=\"row\">\(fact.title)</th>"
            for report in page.reports {
                line.element("td", fact.isAlarming(report) ? "bad" : "", fact.value(report))
            }
            line += "</tr>\n"
        }
        line += "\(row)</tbody>\n</table>\n</div>\n</section>\n"
    }
}
