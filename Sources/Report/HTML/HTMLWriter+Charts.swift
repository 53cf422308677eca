import Events
import PortModel

extension HTMLWriter {
    /// Series that are drawn at once, and so have all their points.
    private static let drawn = 12
    /// Points of all series together, of some 25 bytes each, so that a page stays under 3 MB.
    private static let points = 80_000
    /// Marks in one chart.
    private static let marks = 40

    /// Writes the data that the script draws: JSON, with times in seconds since the begin.
    func chartData(_ page: HTMLPage, _ line: inout TextBuffer) {
        let charts = page.rows.filter { $0.series != nil }
        let each = max(20, (Self.points - Self.drawn * 600) / max(1, charts.count - Self.drawn))
        let marks = page.reports.map(Self.marks)
        let worst = page.worst.flatMap { page.rows[$0].chart } ?? 0
        line += """
            {"begin":\(Int(clamping: page.begin / 1_000_000)),"zone":\(page.timestamps.localOffset),\
            "seconds":\(seconds: page.elapsed(page.end)),"worst":\(worst),"tuples":[
            """
        for (index, row) in charts.enumerated() {
            if index > 0 { line += ",\n" }
            let report = page.reports[row.host]
            let limit = index < Self.drawn ? Int.max : each
            chart(row, page, marks[row.host][row.scope] ?? [], report, limit, &line)
        }
        line += "]}"
    }

    private func chart(
        _ row: HTMLPage.Row, _ page: HTMLPage, _ marks: [Moment], _ report: RunReport,
        _ limit: Int, _ line: inout TextBuffer
    ) {
        guard var series = row.series else { return }
        var step = report.secondsPerPoint
        while series.points.count > limit {
            series.halve()
            step *= 2
        }
        let (peak, points) = (row.peak, series.points)
        let begin = page.elapsed(report.startedAt) + (series.first + 1) * step * 1000
        line += "{\"name\":\(quoted: name(row, page))"
        if let process = row.process { line += ",\"process\":\(quoted: "\(process)")" }
        line += ",\"peak\":{\"held\":\(peak.held),\"usable\":\(peak.usable)"
        line += ",\"share\":\(quoted: "\(share: peak.share)")"
        if let time = row.peakAt { line += ",\"at\":\(seconds: page.elapsed(time))" }
        line += "},\"failures\":\(row.failed),\"start\":\(seconds: begin),\"step\":\(step)"
        line.array("held", points) { $1.append(Int($0.held)) }
        line.array("timeWait", points) { $1.append(Int($0.timeWait)) }
        line.array("opened", points) { $1.append(Int($0.opened)) }
        line.array("failed", points) { $1.append(Int($0.failed)) }
        let changes = points.indices.filter {
            $0 == 0 || points[$0].usable != points[$0 - 1].usable
        }
        line.array("usable", changes) { $1 += "[\($0),\(Int(points[$0].usable))]" }
        let searches = points.indices.filter { points[$0].search > 0 }
        line.array("search", searches) { $1 += "[\($0),\(Int(points[$0].search))]" }
        line.array("marks", Array(marks.prefix(Self.marks))) { moment, line in
            line += "[\(seconds: page.elapsed(moment.time)),"
            if case .alert(_, let level, _, _) = moment.kind {
                line += "\"alert\",\"\(level) %\"]"
            } else {
                line += "\"failure\",\"first failure\"]"
            }
        }
        line += "}"
    }

    /// The alerts, and the first failure, of each tuple or bind pool.
    private static func marks(_ report: RunReport) -> [PortScope: [Moment]] {
        var marks: [PortScope: [Moment]] = [:]
        var failed: Set<PortScope> = []
        for moment in report.moments {
            switch moment.kind {
            case .alert(let scope, let level, _, _) where level > 0:
                marks[scope, default: []].append(moment)
            case .firstFailure(let call) where failed.insert(call.scope).inserted:
                marks[call.scope, default: []].append(moment)
            default: continue
            }
        }
        return marks
    }
}

extension TextBuffer {
    fileprivate mutating func array<Element>(
        _ name: StaticString, _ elements: [Element], _ write: (Element, inout TextBuffer) -> Void
    ) {
        self += ",\"\(name)\":["
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            write(element, &self)
        }
        append("]")
    }

    /// `12.345`
    fileprivate mutating func appendInterpolation(seconds milliseconds: Int) {
        append(thousandths: UInt64(milliseconds))
    }

    /// A JSON string.
    fileprivate mutating func appendInterpolation(quoted text: TextBuffer) {
        append(quoted: String(text))
    }
}
