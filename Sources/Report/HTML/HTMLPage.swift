import Events
import PortModel

/// Reports as one HTML page that needs no other file and no network: tuples and bind pools, the
/// fullest first, on one axis of time.
struct HTMLPage {
    let reports: [RunReport]
    /// A name for each report: its host's, and never the same twice.
    let hosts: [TextBuffer]
    let rows: [Row]
    /// Rows that are neither in `rows` nor in the page.
    let rowsOmitted: Int
    /// The row that the verdict is about; nil if there is none.
    let worst: Int?
    /// Nanoseconds since 1970.
    let begin: UInt64
    let end: UInt64

    /// Rows on a page; more than anybody reads, and too many for a browser soon.
    private static let limit = 1000

    /// A tuple, or a pool that bind() chose from.
    struct Row {
        /// The place of its report.
        var host: Int
        let scope: PortScope
        /// Nil of a pool.
        let tuple: Summary.TupleRow?
        let process: ProcessID?
        /// Its usage at the peak, and when that was: nanoseconds since 1970; nil if not known.
        let peak: PortUsage
        let peakAt: UInt64?
        /// Connects or binds that failed, and of these the ones that found no port.
        let failed: Int
        let exhausted: Int
        let opened: Int
        /// Its place among the charts; nil if there is no series of it.
        var chart: Int?
        var series: TimeSeries?

        init(_ row: Summary.TupleRow, host: Int) {
            (self.host, scope, tuple) = (host, .tuple(row.tuple), row)
            (process, peak) = (row.topProcess, row.peak.usage)
            peakAt = row.peak.held > 0 ? row.peak.time : nil
            failed = row.totals.failed
            exhausted =
                failed - row.causes.reduce(0) { $0 + ($1.key.isPortExhaustion ? 0 : $1.value) }
            opened = row.totals.opened
        }

        init(_ row: Summary.BindPoolRow, host: Int) {
            (self.host, scope, tuple) = (host, .bindPool(row.key), nil)
            (process, peak, peakAt) = (row.topProcess, row.peakUsage, nil)
            (failed, exhausted, opened) = (row.failed, row.failed, 0)
        }
    }

    init(_ reports: [RunReport]) {
        self.reports = reports
        hosts = TextWriter.names(of: reports)
        var rows: [Row] = []
        for (host, report) in reports.enumerated() {
            let all = report.series.map { ($0.scope, $0.series) }
            let series = Dictionary(all, uniquingKeysWith: { first, _ in first })
            let tuples = report.summary.tuples.map { Row($0, host: host) }
            for var row in tuples + report.summary.bindPools.map({ Row($0, host: host) }) {
                row.series = series[row.scope]
                if row.series?.points.isEmpty == true { row.series = nil }
                rows.append(row)
            }
        }
        let order = rows.indices.sorted { Self.precedes(rows[$0], rows[$1], $0 < $1) }
        var shown = order.prefix(Self.limit).map { rows[$0] }
        let charts = shown.indices.filter { shown[$0].series != nil }
        for (chart, place) in charts.enumerated() { shown[place].chart = chart }
        self.rows = shown
        rowsOmitted =
            max(0, rows.count - Self.limit) + reports.reduce(0) { $0 + $1.summary.tuplesOmitted }
        worst = shown.indices.max { (shown[$0].exhausted, -$0) < (shown[$1].exhausted, -$1) }
        begin = reports.map(\.startedAt).min() ?? 0
        end = reports.map(\.endedAt).max() ?? 0
    }

    /// All times of a page are those of the first host's clock and zone.
    var timestamps: Timestamps {
        reports.first?.context.timestamps ?? Timestamps(realtimeOffset: 0, localOffset: 0)
    }

    func sum(_ count: (Summary) -> Int) -> Int { reports.reduce(0) { $0 + count($1.summary) } }

    /// `web-1: `, where there are several hosts.
    func prefix(_ host: Int) -> TextBuffer { hosts.count > 1 ? "\(hosts[host]): " : "" }

    /// Milliseconds since the begin.
    func elapsed(_ time: UInt64) -> Int { Int(clamping: (time - min(time, begin)) / 1_000_000) }

    private static func precedes(_ a: Row, _ b: Row, _ isEarlier: Bool) -> Bool {
        let one = (a.peak.share, a.exhausted, a.opened)
        let other = (b.peak.share, b.exhausted, b.opened)
        return one > other || one == other && isEarlier
    }
}
