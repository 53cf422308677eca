import Events
import PortModel

extension HTMLWriter {
    // MARK: The verdict

    /// Says what happened, in one sentence.
    func verdict(_ page: HTMLPage, _ line: inout TextBuffer) {
        let connects = page.sum { $0.portExhaustion.connects }
        let binds = page.sum { $0.portExhaustion.binds }
        let others = page.sum { $0.otherErrors.total }
        line += "<h1>"
        if connects + binds > 0 {
            var calls: [TextBuffer] = []
            if connects > 0 { calls.append("\(connects, "connect")") }
            if binds > 0 { calls.append("\(binds, "bind")") }
            line.element("span", "bad", "\(joined: calls, by: " and ") failed for want of a port:")
            line += " \(html: holdings(page, page.worst))"
        } else if page.rows.isEmpty {
            line += "No outgoing connection was seen."
        } else {
            let isNear = page.rows[0].peak.share >= 0.5
            line.element("span", isNear ? "alert" : "good", "No port ran out")
            let link: TextBuffer = isNear ? ", but " : "; the fullest, "
            line += "\(html: "\(link)\(holdings(page, 0))")"
        }
        line += "</h1>\n"
        guard others > 0 else { return }
        line.element(
            "p", "",
            "\(others, "call") failed, but not for want of a port: see the failures by process.")
        line += "\n"
    }

    /// `10.0.0.1 → 10.0.0.9:80 held all 28,232 usable ports at 17:16:05.`
    private func holdings(_ page: HTMLPage, _ index: Int?) -> TextBuffer {
        guard let index else { return "by whom is not known." }
        let row = page.rows[index]
        let peak = row.peak
        var text: TextBuffer = "\(name(row, page)) held "
        if peak.available > 0 { text += "\(grouped: peak.held) of " } else { text += "all " }
        text += "\(grouped: peak.usable) usable ports"
        if peak.reusable > 0 {
            text += " (\(grouped: peak.reusable) of them for use again)"
        } else if peak.available > 0 {
            text += " (\(share: peak.share))"
        }
        if let time = row.peakAt { text += " at \(second: time, page.timestamps)" }
        text += "."
        return text
    }

    /// `web-1: 10.0.0.1 → 10.0.0.9:80 netns blue`; the host where there are several.
    func name(_ row: HTMLPage.Row, _ page: HTMLPage) -> TextBuffer {
        "\(page.prefix(row.host))\(name(row.scope, page.reports[row.host].context))"
    }

    func name(_ scope: PortScope, _ context: RenderContext) -> TextBuffer {
        switch scope {
        case .tuple(let tuple): "\(tuple, context)\(netns: tuple.netns, context)"
        case .bindPool(let key): "bind() to \(key.local, port: 0)\(netns: key.netns, context)"
        }
    }

    // MARK: Figures

    /// Writes the few numbers that are looked for first.
    func figures(_ page: HTMLPage, _ line: inout TextBuffer) {
        let audits = page.sum { $0.accuracy.audits }
        let drift = page.sum { $0.accuracy.lastDrift }
        func figure(_ number: Int, alarm: Bool = false, _ text: TextBuffer) {
            line += "<li>"
            line.element("b", alarm && number > 0 ? "bad" : "", "\(grouped: number)")
            line += "\(html: text)</li>\n"
        }
        line += "<ul class=\"figures\">\n"
        figure(page.sum { $0.totals.opened }, "connections opened")
        figure(page.sum { $0.portExhaustion.total }, alarm: true, "failed for want of a port")
        if let peak = page.rows.first?.peak {
            figure(peak.held, "held at the peak (\(share: peak.share))")
            if peak.timeWait > 0 { figure(peak.timeWait, "of these in TIME_WAIT") }
        }
        figure(page.sum { Int(clamping: $0.accuracy.lost) }, alarm: true, "records lost")
        if audits > 0 { figure(drift, alarm: true, "ports of drift after \(audits, "audit")") }
        line += "</ul>\n"
    }

    // MARK: Reservations

    /// Says what is not known, or not exact.
    func reservations(_ page: HTMLPage, _ line: inout TextBuffer) {
        for (host, report) in page.reports.enumerated() {
            for reservation in report.reservations(page.timestamps) {
                line.element("p", "alert", "\(page.prefix(host))\(reservation)")
                line += "\n"
            }
        }
    }
}

extension RunReport {
    fileprivate func reservations(_ timestamps: Timestamps) -> [TextBuffer] {
        var all: [TextBuffer] = []
        switch ending {
        case .complete: break
        case .summaryAt(let time):
            let second = TextBuffer("\(second: time, timestamps)")
            all.append("The recording breaks off; the totals are those of \(second).")
        case .ticksOnly: all.append("The recording breaks off before its first summary.")
        }
        if reading.isTruncated { all.append("Its last line was cut off.") }
        if reading.unreadable > 0 {
            all.append("\(grouped: reading.unreadable) lines could not be read.")
        }
        if reading.unknown > 0 {
            all.append(
                "\(grouped: reading.unknown) events are of kinds that this version does not know.")
        }
        if !summary.accuracy.isComplete {
            all.append("Ports held are exact, totals by tuple are lower bounds.")
        }
        return all
    }
}
