import PortModel

extension HTMLWriter {
    /// What the charts mark, and what they do not.
    func moments(_ page: HTMLPage, _ line: inout TextBuffer) {
        var all: [(host: Int, moment: Moment)] = []
        for (host, report) in page.reports.enumerated() {
            for moment in report.moments {
                // How settings came to be known is no news.
                if case .namespace(_, let kind) = moment.kind, kind == .found { continue }
                all.append((host, moment))
            }
        }
        guard !all.isEmpty else { return }
        all.sort { $0.moment.time < $1.moment.time }
        line.append("<section>\n")
        beginTable(
            "Moments", "moments",
            [
                Column("time", isSorted: true), Column("after", .number), Column("what"),
                Column("where"),
            ], &line)
        for (host, moment) in all.prefix(Self.limit) {
            let context = page.reports[host].context
            line.append("<tr>")
            line.beginCell(sortedBy: page.elapsed(moment.time))
            page.timestamps.appendLocal(moment.time, to: &line)
            line.close("td")
            line.beginCell("n", sortedBy: page.elapsed(moment.time))
            line.append(duration: moment.time - min(moment.time, page.begin))
            line.close("td")
            line.element("td", moment.tone) { $0.append(moment.kind) }
            line.element("td", "place") {
                if page.hosts.count > 1 {
                    $0.append(page.hosts[host])
                    $0.append(": ")
                }
                switch moment.kind {
                case .alert(let scope, _, _, _): name(scope, context, &$0)
                case .firstFailure(let call): name(call.scope, context, &$0)
                case .drift(let netns, _), .namespace(let netns, _):
                    $0.append("netns ")
                    $0.append(nameOf: netns, context)
                case .lost: break
                }
            }
            line.append("</tr>\n")
        }
        let omitted = page.reports.reduce(0) { $0 + $1.momentsOmitted }
        endTable(all.count + omitted, &line)
    }
}

extension Moment {
    fileprivate var tone: StaticString {
        switch kind {
        case .alert(_, let level, _, _): level > 0 ? "alert" : ""
        case .firstFailure, .lost, .drift: "bad"
        case .namespace: ""
        }
    }
}

extension TextBuffer {
    fileprivate mutating func append(_ kind: Moment.Kind) {
        switch kind {
        case .alert(_, let level, let usage, let exhaustedIn):
            if level > 0 {
                append("crossed ")
                append(level)
                append(" %: ")
            } else {
                append("recovered: ")
            }
            append(grouped: usage.held)
            append(" of ")
            append(grouped: usage.usable)
            append(" held")
            if let exhaustedIn, exhaustedIn > 0 {
                append(", full in ")
                append(tenths: exhaustedIn)
                append(" s")
            }
        case .firstFailure(let call):
            append("first failure of ")
            append(call.kind == .connect ? "connect(), " : "bind(), ")
            append(call.causeName)
            append(": ")
            append(call.process)
        case .lost(let count):
            append(grouped: count)
            append(" records lost")
        case .drift(_, let ports):
            append(grouped: ports)
            append(" ports wrong, corrected by an audit")
        case .namespace(_, let kind):
            append(kind == .gone ? "namespace gone" : "settings changed")
        }
    }
}
