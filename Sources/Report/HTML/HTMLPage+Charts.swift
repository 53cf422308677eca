import Events
import PortModel

extension HTMLPage {
    /// Series that are drawn at once, and so have all their points.
    private static let drawn = 12
    /// Points of all series together, of some 25 bytes each, so that a page stays under 3 MB.
    private static let points = 80_000
    /// Marks in one chart.
    private static let marks = 40

    /// What the script draws: JSON, with times in seconds since the begin.
    var chartData: TextBuffer {
        let charts = rows.filter { $0.series != nil }
        let each = max(20, (Self.points - Self.drawn * 600) / max(1, charts.count - Self.drawn))
        let marks = reports.map(Self.marks)
        let texts = charts.enumerated().map { index, row in
            chart(row, marks[row.host][row.scope] ?? [], index < Self.drawn ? .max : each)
        }
        return """
            {"begin":\(Int(clamping: begin / 1_000_000)),"zone":\(timestamps.localOffset),\
            "seconds":\(seconds: elapsed(end)),"worst":\(worst.flatMap { rows[$0].chart } ?? 0),\
            "tuples":[\(joined: texts, by: ",\n")]}
            """
    }

    private func chart(_ row: Row, _ marks: [Moment], _ limit: Int) -> TextBuffer {
        guard var series = row.series else { return "" }
        let report = reports[row.host]
        var step = report.secondsPerPoint
        while series.points.count > limit {
            series.halve()
            step *= 2
        }
        let (peak, points) = (row.peak, series.points)
        let start = elapsed(report.startedAt) + (series.first + 1) * step * 1000
        let process: TextBuffer? = row.process.map { ",\"process\":\(quoted: "\($0)")" }
        let time: TextBuffer? = row.peakAt.map { ",\"at\":\(seconds: elapsed($0))" }
        let changes = points.indices.filter {
            $0 == 0 || points[$0].usable != points[$0 - 1].usable
        }
        let searches = points.indices.filter { points[$0].search > 0 }
        return """
            {"name":\(quoted: name(row))\(process ?? ""),"peak":{"held":\(peak.held),\
            "usable":\(peak.usable),"share":\(quoted: "\(share: peak.share)")\(time ?? "")},\
            "failures":\(row.failed),"start":\(seconds: start),"step":\(step)\
            \("held", points, { "\(Int($0.held))" })\
            \("timeWait", points, { "\(Int($0.timeWait))" })\
            \("opened", points, { "\(Int($0.opened))" })\
            \("failed", points, { "\(Int($0.failed))" })\
            \("usable", changes, { "[\($0),\(Int(points[$0].usable))]" })\
            \("search", searches, { "[\($0),\(Int(points[$0].search))]" })\
            \("marks", Array(marks.prefix(Self.marks)), mark)}
            """
    }

    private func mark(_ moment: Moment) -> TextBuffer {
        let time: TextBuffer = "\(seconds: elapsed(moment.time))"
        guard case .alert(_, let level, _, _) = moment.kind else {
            return "[\(time),\"failure\",\"first failure\"]"
        }
        return "[\(time),\"alert\",\"\(level) %\"]"
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
    /// `,"held":[1,2]`
    fileprivate mutating func appendInterpolation<Element>(
        _ name: StaticString, _ elements: [Element], _ text: (Element) -> TextBuffer
    ) {
        self += ",\"\(name)\":[\(joined: elements.map(text), by: ",")]"
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
