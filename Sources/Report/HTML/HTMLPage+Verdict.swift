import Events
import PortModel

extension HTMLPage {
    // MARK: The verdict

    /// What happened, in one sentence.
    var verdict: TextBuffer {
        let connects = sum { $0.portExhaustion.connects }
        let binds = sum { $0.portExhaustion.binds }
        let others = sum { $0.otherErrors.total }
        var text = TextBuffer()
        if connects + binds > 0 {
            var calls: [TextBuffer] = []
            if connects > 0 { calls.append("\(connects, "connect")") }
            if binds > 0 { calls.append("\(binds, "bind")") }
            let failed: TextBuffer = "\(joined: calls, by: " and ") failed for want of a port:"
            text += "\("span", class: "bad", failed) "
            text += "\(html: worst.map(holdings) ?? "by whom is not known.")"
        } else if let fullest = rows.indices.first {
            let isNear = rows[fullest].peak.share >= 0.5
            let link: TextBuffer = isNear ? ", but " : "; the fullest, "
            text += "\("span", class: isNear ? "alert" : "good", "No port ran out")"
            text += "\(html: "\(link)\(holdings(fullest))")"
        } else {
            text += "No outgoing connection was seen."
        }
        text = "<h1>\(text)</h1>\n"
        guard others > 0 else { return text }
        let rest: StaticString = "failed, but not for want of a port: see the failures by process."
        text += "\("p", "\(others, "call") \(rest)")\n"
        return text
    }

    /// `10.0.0.1 → 10.0.0.9:80 held all 28,232 usable ports at 17:16:05.`
    private func holdings(_ index: Int) -> TextBuffer {
        let row = rows[index]
        let peak = row.peak
        var text: TextBuffer = "\(name(row)) held "
        text += "\(if: peak.available > 0, "\(grouped: peak.held) of ", else: "all ")"
        text += "\(grouped: peak.usable) usable ports"
        if peak.reusable > 0 {
            text += " (\(grouped: peak.reusable) of them for use again)"
        } else if peak.available > 0 {
            text += " (\(share: peak.share))"
        }
        if let time = row.peakAt { text += " at \(second: time, timestamps)" }
        text += "."
        return text
    }

    /// `web-1: 10.0.0.1 → 10.0.0.9:80 netns blue`; the host where there are several.
    func name(_ row: Row) -> TextBuffer {
        "\(prefix(row.host))\(name(row.scope, reports[row.host].context))"
    }

    func name(_ scope: PortScope, _ context: RenderContext) -> TextBuffer {
        switch scope {
        case .tuple(let tuple): "\(tuple, context)\(netns: tuple.netns, context)"
        case .bindPool(let key): "bind() to \(key.local, port: 0)\(netns: key.netns, context)"
        }
    }

    /// The few numbers that are looked for first.
    var figures: TextBuffer {
        let audits = sum { $0.accuracy.audits }
        func figure(_ number: Int, alarm: Bool = false, _ text: TextBuffer) -> TextBuffer {
            let tone: StaticString = alarm && number > 0 ? "bad" : ""
            return "<li>\("b", class: tone, "\(grouped: number)")\(html: text)</li>\n"
        }
        var all = [
            figure(sum { $0.totals.opened }, "connections opened"),
            figure(sum { $0.portExhaustion.total }, alarm: true, "failed for want of a port"),
        ]
        if let peak = rows.first?.peak {
            all.append(figure(peak.held, "held at the peak (\(share: peak.share))"))
            if peak.timeWait > 0 { all.append(figure(peak.timeWait, "of these in TIME_WAIT")) }
        }
        all.append(figure(sum { Int(clamping: $0.accuracy.lost) }, alarm: true, "records lost"))
        if audits > 0 {
            let drift = sum { $0.accuracy.lastDrift }
            all.append(figure(drift, alarm: true, "ports of drift after \(audits, "audit")"))
        }
        return "<ul class=\"figures\">\n\(joined: all, by: "")</ul>\n"
    }

    /// What is not known, or not exact.
    var reservations: TextBuffer {
        let all = reports.enumerated().flatMap { host, report in
            report.reservations(timestamps).map { reservation -> TextBuffer in
                "\("p", class: "alert", "\(prefix(host))\(reservation)")\n"
            }
        }
        return "\(joined: all, by: "")"
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
