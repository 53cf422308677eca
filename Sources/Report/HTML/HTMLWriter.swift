import Events
import PortModel

/// Writes reports as one HTML page that needs no other file and no network. All figures are plain
/// HTML; a script in the page draws the charts, and lets tables sort.
struct HTMLWriter {
    /// Appends the page of one host, or of the hosts of one load test.
    func write(_ reports: [RunReport], to line: inout TextBuffer) {
        let page = HTMLPage(reports)
        line += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        // Nothing may be loaded, whatever a host name or a process might smuggle in.
        line += """
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
            form-action 'none'">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(html: title(page))</title>
            <style>

            """
        line.append(PackageResources.report_css)
        line += "</style>\n</head>\n<body>\n<main>\n<header>\n"
        line.element("p", "faint", "\(title(page)), \(period(page))")
        verdict(page, &line)
        figures(page, &line)
        reservations(page, &line)
        line += "</header>\n"
        charts(page, &line)
        tuples(page, &line)
        bindPools(page, &line)
        failures(page, &line)
        advice(page, &line)
        moments(page, &line)
        hosts(page, &line)
        var data = TextBuffer()
        chartData(page, &data)
        line += "</main>\n<script type=\"application/json\" id=\"data\">\(embedding: data)"
        line += "</script>\n<script>\n"
        line.append(PackageResources.report_js)
        line += "</script>\n</body>\n</html>\n"
    }

    private func title(_ page: HTMLPage) -> TextBuffer {
        let more = page.hosts.count - 3
        return """
            portgauge report of \(joined: page.hosts.prefix(3))\(if: more > 0, " and \(more) more")
            """
    }

    /// `2026-11-22 18:16:05 to 18:18:25 (UTC+01:00), 2 min 20 s`
    private func period(_ page: HTMLPage) -> TextBuffer {
        guard var all = page.reports.first else { return "" }
        (all.startedAt, all.endedAt) = (page.begin, page.end)
        return "\(all.period), \(span: page.elapsed(page.end) / 1000)"
    }

    // MARK: Charts

    /// Leaves room in which the script draws them.
    private func charts(_ page: HTMLPage, _ line: inout TextBuffer) {
        guard page.rows.contains(where: { $0.chart != nil }) else { return }
        line += """
            <section id="charts">
            <h2>Ports held over time</h2>
            <noscript><p>The charts need JavaScript. All other figures are below.</p></noscript>
            <div class="script" hidden>
            <h3 id="chart-title"></h3>
            <p class="faint" id="chart-note"></p>
            <p class="legend">
            <span><i style="background:var(--open)"></i>open</span>
            <span><i style="background:var(--time-wait)"></i>TIME_WAIT</span>
            <span><s></s>usable</span>
            <span><i style="background:var(--opened)"></i>opened</span>
            <span><i style="background:var(--failed)"></i>failed</span>
            </p>
            <div class="chart" id="chart"></div>
            <div class="many" id="many"></div>
            </div>
            </section>

            """
    }

    // MARK: Advice

    private func advice(_ page: HTMLPage, _ line: inout TextBuffer) {
        guard page.reports.contains(where: { !$0.summary.advice.isEmpty }) else { return }
        line += "<section class=\"advice\">\n<h2>Advice</h2>\n"
        line += "<p class=\"faint\">What would have helped, most useful first.</p>\n"
        for (host, report) in page.reports.enumerated() {
            let all = report.summary.advice
            for (index, advice) in all.enumerated() {
                if index == 0 || all[index - 1].scope != advice.scope {
                    line += "\(if: index > 0, "</ol>\n")"
                    let scope = TextBuffer("\(scopeOf: advice, report.context)")
                    line.element("h3", "", "\(page.prefix(host))\(scope)")
                    line.element("p", "faint", advice.situation)
                    line += "\n<ol>\n"
                }
                line += "<li>\(html: advice.text(report.context))"
                if let setting = advice.setting { line.element("code", "", "\(setting)") }
                line += "</li>\n"
            }
            if !all.isEmpty { line += "</ol>\n" }
        }
        line += "</section>\n"
    }
}

extension TextBuffer {
    /// `9 s`, `2 min 20 s`, `1 h 0 min`
    fileprivate mutating func appendInterpolation(span seconds: Int) {
        switch seconds {
        case ..<60: self += "\(seconds) s"
        case ..<3600: self += "\(seconds / 60) min \(seconds % 60) s"
        default: self += "\(grouped: seconds / 3600) h \(seconds / 60 % 60) min"
        }
    }
}
