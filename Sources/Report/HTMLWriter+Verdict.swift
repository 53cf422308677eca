import PortModel

extension HTMLWriter {
    // MARK: The verdict

    /// What happened, in one sentence.
    func verdict(_ page: HTMLPage, _ line: inout TextBuffer) {
        let summaries = page.reports.map(\.summary)
        let connects = summaries.reduce(0) { $0 + $1.portExhaustion.connects }
        let binds = summaries.reduce(0) { $0 + $1.portExhaustion.binds }
        let others = summaries.reduce(0) { $0 + $1.otherErrors.total }
        line.append("<h1>")
        if connects + binds > 0 {
            line.element("span", "bad") {
                $0.append(connects, binds)
                $0.append(" failed for want of a port:")
            }
            line.append(" ")
            line.text { stand(page, page.worst, &$0) }
        } else if page.rows.isEmpty {
            line.append("No outgoing connection was seen.")
        } else {
            let share = page.rows[0].peak.share
            line.element("span", share >= 0.5 ? "alert" : "good") {
                $0.append("No port ran out")
            }
            line.text {
                $0.append(share >= 0.5 ? ", but " : "; the fullest, ")
                stand(page, 0, &$0)
            }
        }
        line.append("</h1>\n")
        guard others > 0 else { return }
        line.element("p") {
            $0.append(grouped: others)
            $0.append(others == 1 ? " call" : " calls")
            $0.append(" failed, but not for want of a port: see the failures by process.")
        }
        line.append("\n")
    }

    /// `10.0.0.1 → 10.0.0.9:80 held all 28,232 usable ports at 17:16:05.`
    private func stand(_ page: HTMLPage, _ index: Int?, _ text: inout TextBuffer) {
        guard let index else { return text.append("by whom is not known.") }
        let row = page.rows[index]
        name(row, page, &text)
        let peak = row.peak
        text.append(" held ")
        if peak.available == 0 {
            text.append("all ")
            text.append(grouped: peak.usable)
        } else {
            text.append(grouped: peak.held)
            text.append(" of ")
            text.append(grouped: peak.usable)
        }
        text.append(" usable ports")
        if peak.reusable > 0 {
            text.append(" (")
            text.append(grouped: peak.reusable)
            text.append(" of them for use again)")
        } else if peak.available > 0 {
            text.append(" (")
            text.append(share: peak.share)
            text.append(")")
        }
        if let time = row.peakAt {
            text.append(" at ")
            page.timestamps.appendLocalSecond(time, to: &text)
        }
        text.append(".")
    }

    /// `web-1: 10.0.0.1 → 10.0.0.9:80 netns blue`; the host where there are several.
    func name(_ row: HTMLPage.Row, _ page: HTMLPage, _ text: inout TextBuffer) {
        if page.hosts.count > 1 {
            text.append(page.hosts[row.host])
            text.append(": ")
        }
        name(row.scope, page.reports[row.host].context, &text)
    }

    func name(_ scope: PortScope, _ context: RenderContext, _ text: inout TextBuffer) {
        switch scope {
        case .tuple(let tuple):
            text.append(tuple, context)
            text.append(namespaceOf: tuple, context)
        case .bindPool(let key):
            text.append("bind() to ")
            text.append(key.local, port: 0)
            text.append(namespace: key.netns, context)
        }
    }

    // MARK: Figures

    /// The few numbers that are looked for first.
    func figures(_ page: HTMLPage, _ line: inout TextBuffer) {
        let summaries = page.reports.map(\.summary)
        let failed = summaries.reduce(0) {
            $0 + $1.portExhaustion.connects + $1.portExhaustion.binds
        }
        let lost = summaries.reduce(0) { $0 + Int(clamping: $1.accuracy.lost) }
        let audits = summaries.reduce(0) { $0 + $1.accuracy.audits }
        let drift = summaries.reduce(0) { $0 + $1.accuracy.lastDrift }
        line.append("<ul class=\"figures\">\n")
        figure(summaries.reduce(0) { $0 + $1.totals.opened }, "", &line) {
            $0.append("connections opened")
        }
        figure(failed, failed > 0 ? "bad" : "", &line) { $0.append("failed for want of a port") }
        if let peak = page.rows.first?.peak {
            figure(peak.held, "", &line) {
                $0.append("held at the peak (")
                $0.append(share: peak.share)
                $0.append(")")
            }
            if peak.timeWait > 0 {
                figure(peak.timeWait, "", &line) { $0.append("of these in TIME_WAIT") }
            }
        }
        figure(lost, lost > 0 ? "bad" : "", &line) { $0.append("records lost") }
        if audits > 0 {
            figure(drift, drift > 0 ? "bad" : "", &line) {
                $0.append("ports of drift after ")
                $0.append(grouped: audits)
                $0.append(audits == 1 ? " audit" : " audits")
            }
        }
        line.append("</ul>\n")
    }

    private func figure(
        _ number: Int, _ tone: StaticString, _ line: inout TextBuffer,
        _ what: (inout TextBuffer) -> Void
    ) {
        line.append("<li>")
        line.element("b", tone) { $0.append(grouped: number) }
        line.text(what)
        line.append("</li>\n")
    }

    // MARK: Reservations

    /// What is not known, or not exact.
    func reservations(_ page: HTMLPage, _ line: inout TextBuffer) {
        for (host, report) in zip(page.hosts, page.reports) {
            for reservation in report.reservations(page.timestamps) {
                line.element("p", "alert") {
                    if page.hosts.count > 1 {
                        $0.append(host)
                        $0.append(": ")
                    }
                    $0.append(reservation)
                }
                line.append("\n")
            }
        }
    }
}

extension RunReport {
    fileprivate func reservations(_ timestamps: Timestamps) -> [TextBuffer] {
        var all: [TextBuffer] = []
        func say(_ write: (inout TextBuffer) -> Void) {
            var line = TextBuffer()
            write(&line)
            all.append(line)
        }
        switch ending {
        case .complete: break
        case .summaryAt(let time):
            say {
                $0.append("The recording breaks off; the totals are those of ")
                timestamps.appendLocalSecond(time, to: &$0)
                $0.append(".")
            }
        case .ticksOnly:
            say { $0.append("The recording breaks off before its first summary.") }
        }
        if reading.isTruncated { say { $0.append("Its last line was cut off.") } }
        if reading.unreadable > 0 {
            say {
                $0.append(grouped: reading.unreadable)
                $0.append(" lines could not be read.")
            }
        }
        if reading.unknown > 0 {
            say {
                $0.append(grouped: reading.unknown)
                $0.append(" events are of kinds that this version does not know.")
            }
        }
        if !summary.accuracy.isComplete {
            say { $0.append("Ports held are exact, totals by tuple are lower bounds.") }
        }
        return all
    }
}

extension TextBuffer {
    /// `96 connects and 1 bind`
    fileprivate mutating func append(_ connects: Int, _ binds: Int) {
        if connects > 0 {
            append(grouped: connects)
            append(connects == 1 ? " connect" : " connects")
        }
        if connects > 0, binds > 0 { append(" and ") }
        if binds > 0 {
            append(grouped: binds)
            append(binds == 1 ? " bind" : " binds")
        }
    }
}
