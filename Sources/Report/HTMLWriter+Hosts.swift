import PortModel

extension HTMLWriter {
    /// Accuracy, hosts and settings: a column for each host.
    func hosts(_ page: HTMLPage, _ line: inout TextBuffer) {
        if page.reports.count > 1 {
            begin("Hosts", page, &line)
            for row in Self.totals { append(row, page, &line) }
            line.append("</tbody>\n</table>\n</div>\n</section>\n")
        }
        begin("Accuracy", page, &line)
        for row in Self.accuracy { append(row, page, &line) }
        line.append("</tbody>\n</table>\n</div>\n</section>\n")
        begin("Settings", page, &line)
        for row in Self.settings { append(row, page, &line) }
        row("network namespaces", page, &line) { report, line in
            for (index, namespace) in report.summary.namespaces.prefix(Self.namespaces).enumerated()
            {
                if index > 0 { line.append("<br>") }
                line.text {
                    $0.append(nameOf: namespace.netns, report.context)
                    $0.append(": ")
                    $0.append(settings: namespace)
                }
            }
            let more = report.summary.namespaces.count - Self.namespaces
            if more > 0 {
                line.append("<br>")
                line.text {
                    $0.append("and ")
                    $0.append(grouped: more)
                    $0.append(" more")
                }
            }
        }
        line.append("</tbody>\n</table>\n</div>\n</section>\n")
    }

    private static let namespaces = 20

    /// What it is called, and what a host has there.
    private struct Fact: Sendable {
        let name: StaticString
        /// For numbers: right-aligned, and usage out where it is more than 0 and should be 0.
        var isNumber = true
        var shouldBeZero = false
        let value: @Sendable (RunReport, inout TextBuffer) -> Int?
    }

    private static let totals: [Fact] = [
        count("opened") { $0.totals.opened },
        count("closed") { $0.totals.closed },
        count("connects failed for want of a port", zero: true) { $0.portExhaustion.connects },
        count("binds failed for want of a port", zero: true) { $0.portExhaustion.binds },
        count("failed for another reason") { $0.otherErrors.connects + $0.otherErrors.binds },
        Fact(name: "greatest share of the usable ports") { report, line in
            if let first = report.summary.tuples.first { line.append(share: first.peak.share) }
            return nil
        },
        count("held at the end") { $0.held },
        count("of these in TIME_WAIT") { $0.timeWait },
        fact("counted") { report, line in
            line.append(report.summary.isPartial ? "the chosen processes only" : "all processes")
        },
    ]

    private static let accuracy: [Fact] = [
        count("records lost", zero: true) { Int(clamping: $0.accuracy.lost) },
        count("audits against the kernel's table") { $0.accuracy.audits },
        count("largest drift, in ports", zero: true) { $0.accuracy.largestDrift },
        count("drift at the end, in ports", zero: true) { $0.accuracy.lastDrift },
        count("repairs from the kernel's table") { $0.accuracy.repairs },
        count("runs skipped by the kernel") { Int(clamping: $0.accuracy.skipped) },
        count("of these not caught by a copy", zero: true) { Int(clamping: $0.accuracy.slipped) },
        count("lines of output dropped", zero: true) { $0.linesDropped },
    ]

    private static let settings: [Fact] = [
        fact("kernel") { report, line in
            line.append(visible: report.start?.kernel ?? "")
            line.append(" ")
            line.append(visible: report.start?.machine ?? "")
        },
        fact("CPUs") { report, line in
            if let cpus = report.start?.cpus, cpus > 0 { line.append(cpus) }
        },
        fact("portgauge") { report, line in line.append(visible: report.start?.version ?? "") },
        fact("command") { report, line in
            for (index, word) in (report.start?.command ?? []).enumerated() {
                if index > 0 { line.append(" ") }
                line.append(word: word)
            }
        },
        fact("alerts at") { report, line in
            for (index, percent) in (report.start?.thresholds ?? []).enumerated() {
                if index > 0 { line.append(", ") }
                line.append(percent)
            }
            if report.start?.thresholds.isEmpty == false { line.append(" %") }
        },
        fact("traced for") { report, line in line.append(duration: report.summary.duration) },
    ]

    private static func count(
        _ name: StaticString, zero: Bool = false, _ value: @escaping @Sendable (Summary) -> Int
    ) -> Fact {
        Fact(name: name, shouldBeZero: zero) { report, line in
            let count = value(report.summary)
            line.append(grouped: count)
            return count
        }
    }

    private static func fact(
        _ name: StaticString, _ write: @escaping @Sendable (RunReport, inout TextBuffer) -> Void
    ) -> Fact {
        Fact(name: name, isNumber: false) { report, line in
            write(report, &line)
            return nil
        }
    }

    // MARK: Rows

    private func begin(_ heading: StaticString, _ page: HTMLPage, _ line: inout TextBuffer) {
        line.append("<section>\n<h2>")
        line.append(heading)
        line.append("</h2>\n<div class=\"scroll\">\n<table class=\"facts\">\n<thead><tr><td></td>")
        for host in page.hosts {
            line.append("<th scope=\"col\">")
            line.text { $0.append(host) }
            line.append("</th>")
        }
        line.append("</tr></thead>\n<tbody>\n")
    }

    private func append(_ fact: Fact, _ page: HTMLPage, _ line: inout TextBuffer) {
        line.append("<tr><th scope=\"row\">")
        line.append(fact.name)
        line.append("</th>")
        for report in page.reports {
            var cell = TextBuffer()
            let count = fact.value(report, &cell)
            let isBad = fact.shouldBeZero && (count ?? 0) > 0
            line.element("td", isBad ? "bad" : "") { $0.append(cell) }
        }
        line.append("</tr>\n")
    }

    /// - Parameter write: HTML.
    private func row(
        _ name: StaticString, _ page: HTMLPage, _ line: inout TextBuffer,
        _ write: (RunReport, inout TextBuffer) -> Void
    ) {
        line.append("<tr><th scope=\"row\">")
        line.append(name)
        line.append("</th>")
        for report in page.reports {
            line.append("<td>")
            write(report, &line)
            line.append("</td>")
        }
        line.append("</tr>\n")
    }
}
