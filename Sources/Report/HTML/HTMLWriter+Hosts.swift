import Events
import PortModel

extension HTMLWriter {
    private static let namespaces = 20

    /// Writes totals, accuracy and settings: a column for each host.
    func hosts(_ page: HTMLPage, _ line: inout TextBuffer) {
        if page.reports.count > 1 {
            table("Hosts", HostFact.totals + [.counted], page, &line)
            line += "</tbody>\n</table>\n</div>\n</section>\n"
        }
        table("Accuracy", HostFact.accuracy + HostFact.accuracyDetails, page, &line)
        line += "</tbody>\n</table>\n</div>\n</section>\n"
        table("Settings", HostFact.settings, page, &line)
        line += "<tr><th scope=\"row\">network namespaces</th>"
        for report in page.reports { line += "<td>\(namespaces(report))</td>" }
        line += "</tr>\n</tbody>\n</table>\n</div>\n</section>\n"
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

    /// Writes a table up to its last row.
    private func table(
        _ heading: StaticString, _ facts: [HostFact], _ page: HTMLPage, _ line: inout TextBuffer
    ) {
        line += "<section>\n<h2>\(heading)</h2>\n<div class=\"scroll\">\n"
        line += "<table class=\"facts\">\n<thead><tr><td></td>"
        for host in page.hosts { line += "<th scope=\"col\">\(html: host)</th>" }
        line += "</tr></thead>\n<tbody>\n"
        for fact in facts {
            line += "<tr><th scope=\"row\">\(fact.name)</th>"
            for report in page.reports {
                line.element("td", fact.isAlarming(report) ? "bad" : "", fact.value(report))
            }
            line += "</tr>\n"
        }
    }
}
