import PortModel

/// Writes reports as one HTML page that needs no other file and no network. All figures are plain
/// HTML; a script in the page draws the charts, and lets tables sort.
struct HTMLWriter {
    /// Appends the page.
    ///
    /// - Parameter reports: of one host, or of the hosts of one load test.
    func write(_ reports: [RunReport], to line: inout TextBuffer) {
        let page = HTMLPage(reports)
        line.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        // Nothing may be loaded, whatever a host name or a process might smuggle in.
        line.append(
            """
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
            style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
            form-action 'none'">
            <meta name="viewport" content="width=device-width, initial-scale=1">

            """)
        line.element("title") { title(page, &$0) }
        line.append("\n<style>\n")
        line.append(PackageResources.report_css)
        line.append("</style>\n</head>\n<body>\n<main>\n<header>\n")
        line.element("p", "faint") {
            title(page, &$0)
            $0.append(", ")
            period(page, &$0)
        }
        verdict(page, &line)
        figures(page, &line)
        reservations(page, &line)
        line.append("</header>\n")
        charts(page, &line)
        tuples(page, &line)
        bindPools(page, &line)
        failures(page, &line)
        advice(page, &line)
        moments(page, &line)
        hosts(page, &line)
        line.append("</main>\n<script type=\"application/json\" id=\"data\">")
        var data = TextBuffer()
        chartData(page, &data)
        line.append(embedding: data)
        line.append("</script>\n<script>\n")
        line.append(PackageResources.report_js)
        line.append("</script>\n</body>\n</html>\n")
    }

    private func title(_ page: HTMLPage, _ text: inout TextBuffer) {
        text.append("portgauge report of ")
        for (index, host) in page.hosts.prefix(3).enumerated() {
            if index > 0 { text.append(", ") }
            text.append(host)
        }
        if page.hosts.count > 3 {
            text.append(" and ")
            text.append(page.hosts.count - 3)
            text.append(" more")
        }
    }

    /// `2026-11-22 18:16:05 to 18:18:25 (UTC+01:00), 2 min 20 s`
    private func period(_ page: HTMLPage, _ text: inout TextBuffer) {
        guard var all = page.reports.first else { return }
        (all.startedAt, all.endedAt) = (page.begin, page.end)
        RunWriter(style: Style(enabled: false), layout: Layout()).time(all, &text)
        text.append(", ")
        text.append(span: page.elapsed(page.end) / 1000)
    }

    // MARK: Charts

    /// Where the script draws them.
    private func charts(_ page: HTMLPage, _ line: inout TextBuffer) {
        guard page.rows.contains(where: { $0.chart != nil }) else { return }
        line.append(
            """
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

            """)
    }

    // MARK: Advice

    private func advice(_ page: HTMLPage, _ line: inout TextBuffer) {
        guard page.reports.contains(where: { !$0.summary.advice.isEmpty }) else { return }
        let writer = AdviceWriter(style: Style(enabled: false), layout: Layout())
        line.append("<section class=\"advice\">\n<h2>Advice</h2>\n")
        line.append("<p class=\"faint\">What would have helped, most useful first.</p>\n")
        for (host, report) in zip(page.hosts, page.reports) {
            let all = report.summary.advice
            for (index, advice) in all.enumerated() {
                if index == 0 || all[index - 1].scope != advice.scope {
                    if index > 0 { line.append("</ol>\n") }
                    line.element("h3") {
                        if page.hosts.count > 1 {
                            $0.append(host)
                            $0.append(": ")
                        }
                        writer.scope(advice, report.context, &$0)
                    }
                    line.element("p", "faint") { writer.situation(advice, &$0) }
                    line.append("\n<ol>\n")
                }
                line.append("<li>")
                line.text { writer.text(advice, report.context, &$0) }
                if let setting = advice.setting { line.element("code") { $0.append(setting) } }
                line.append("</li>\n")
            }
            if !all.isEmpty { line.append("</ol>\n") }
        }
        line.append("</section>\n")
    }
}

extension TextBuffer {
    /// `9 s`, `2 min 20 s`, `1 h 0 min`
    fileprivate mutating func append(span seconds: Int) {
        if seconds >= 3600 {
            append(grouped: seconds / 3600)
            append(" h ")
        }
        if seconds >= 60 {
            append(seconds / 60 % 60)
            append(" min")
        }
        if seconds < 3600 {
            append(seconds < 60 ? "" : " ")
            append(seconds % 60)
            append(" s")
        }
    }
}
