import Events
import PortModel

extension HTMLPage {
    /// The page. All figures are plain HTML; a script in the page draws the charts, and lets tables
    /// sort.
    var text: TextBuffer {
        // Nothing may be loaded, whatever a host name or a process might smuggle in.
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
        style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
        form-action 'none'">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(html: title)</title>
        <style>
        \(bytes: PackageResources.report_css)</style>
        </head>
        <body>
        <main>
        <header>
        \("p", class: "faint", "\(title), \(period)")\(verdict)\(figures)\(reservations)</header>
        \(charts)\(tuples)\(bindPools)\(failures)\(advice)\(moments)\(facts)</main>
        <script type="application/json" id="data">\(embedding: chartData)</script>
        <script>
        \(bytes: PackageResources.report_js)</script>
        </body>
        </html>

        """
    }

    private var title: TextBuffer {
        let more = hosts.count - 3
        return "portgauge report of \(joined: hosts.prefix(3))\(if: more > 0, " and \(more) more")"
    }

    /// `2026-11-22 18:16:05 to 18:18:25 (UTC+01:00), 2 min 20 s`
    private var period: TextBuffer {
        guard var all = reports.first else { return "" }
        (all.startedAt, all.endedAt) = (begin, end)
        return "\(all.period), \(span: elapsed(end) / 1000)"
    }

    /// Room in which the script draws the charts.
    private var charts: TextBuffer {
        guard rows.contains(where: { $0.chart != nil }) else { return "" }
        return """
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

    private var advice: TextBuffer {
        guard reports.contains(where: { !$0.summary.advice.isEmpty }) else { return "" }
        var text: TextBuffer = "<section class=\"advice\">\n<h2>Advice</h2>\n"
        text += "<p class=\"faint\">What would have helped, most useful first.</p>\n"
        for (host, report) in reports.enumerated() {
            let all = report.summary.advice
            for (index, advice) in all.enumerated() {
                if index == 0 || all[index - 1].scope != advice.scope {
                    let scope = TextBuffer("\(prefix(host))\(scopeOf: advice, report.context)")
                    text += "\(if: index > 0, "</ol>\n")\("h3", scope)"
                    text += "\("p", class: "faint", advice.situation)\n<ol>\n"
                }
                text += "<li>\(html: advice.text(report.context))"
                text += "\(advice.setting.map { "\("code", "\($0)")" } ?? "")</li>\n"
            }
            text += "\(if: !all.isEmpty, "</ol>\n")"
        }
        text += "</section>\n"
        return text
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

    fileprivate mutating func appendInterpolation(bytes: [UInt8]) { append(bytes) }

    /// JSON in which HTML finds no end of its element, and no comment. `<` is in strings only.
    fileprivate mutating func appendInterpolation(embedding json: TextBuffer) {
        for byte in json.bytes {
            if byte == UInt8(ascii: "<") { append("\\u003c") } else { append(byte: byte) }
        }
    }
}
