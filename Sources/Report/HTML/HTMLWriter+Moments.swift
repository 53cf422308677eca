import Events
import PortModel

extension HTMLWriter {
    /// Lists the moments that the charts mark, and those that they do not.
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
        line += "<section>\n"
        beginTable(
            "Moments", "moments",
            [
                Column("time", isSorted: true), Column("after", .number), Column("what"),
                Column("where"),
            ], &line)
        for (host, moment) in all.prefix(Self.limit) {
            let elapsed = page.elapsed(moment.time)
            let place = place(of: moment, page.reports[host].context)
            line += "<tr>"
            line.cell(sortedBy: elapsed, "\(time: moment.time, page.timestamps)")
            line.cell(
                "n", sortedBy: elapsed, "\(duration: moment.time - min(moment.time, page.begin))")
            line.element("td", moment.tone, moment.text)
            line.element("td", "place", "\(page.prefix(host))\(place)")
            line += "</tr>\n"
        }
        let omitted = page.reports.reduce(0) { $0 + $1.momentsOmitted }
        endTable(all.count + omitted, &line)
    }

    private func place(of moment: Moment, _ context: RenderContext) -> TextBuffer {
        switch moment.kind {
        case .alert(let scope, _, _, _): name(scope, context)
        case .firstFailure(let call): name(call.scope, context)
        case .drift(let netns, _), .namespace(let netns, _): "netns \(nameOf: netns, context)"
        case .lost: ""
        }
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

    fileprivate var text: TextBuffer {
        switch kind {
        case .alert(_, let level, let usage, let exhaustedIn):
            """
            \(if: level > 0, "crossed \(level) %", else: "recovered"): \(grouped: usage.held) of \
            \(grouped: usage.usable) held\
            \(if: exhaustedIn ?? 0 > 0, ", full in \(tenths: exhaustedIn ?? 0) s")
            """
        case .firstFailure(let call):
            "first failure of \(call.kind.function), \(call.causeName): \(call.process)"
        case .lost(let count): "\(grouped: count) records lost"
        case .drift(_, let ports): "\(grouped: ports) ports wrong, corrected by an audit"
        case .namespace(_, let kind): kind == .gone ? "namespace gone" : "settings changed"
        }
    }
}
