import PortModel

/// What a page of one or several reports is made from: their tuples and bind pools in one order, the
/// fullest first, on one axis of time.
struct HTMLPage {
    let reports: [RunReport]
    /// A name for each report: its host's, and never the same twice.
    let hosts: [TextBuffer]
    let rows: [Row]
    /// How many are neither in `rows` nor in the page.
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
        var kind: Kind
        /// Its place among the charts; nil if there is no series of it.
        var chart: Int?
        var series: TimeSeries?

        enum Kind {
            case tuple(Summary.TupleRow)
            case bindPool(Summary.BindPoolRow)
        }

        var subject: Alert.Subject {
            switch kind {
            case .tuple(let row): .tuple(row.tuple)
            case .bindPool(let row): .bindPool(row.key)
            }
        }

        var process: ProcessID? {
            switch kind {
            case .tuple(let row): row.topProcess
            case .bindPool(let row): row.topProcess
            }
        }

        /// How it stood at the peak.
        var peak: PortUsage {
            switch kind {
            case .tuple(let row): row.peak.usage
            case .bindPool(let row): row.peakUsage
            }
        }

        /// Nanoseconds since 1970; nil if not known.
        var peakAt: UInt64? {
            guard case .tuple(let row) = kind, row.peak.held > 0 else { return nil }
            return row.peak.time
        }

        /// Connects or binds that got no port.
        var failed: Int {
            switch kind {
            case .tuple(let row): row.totals.failed
            case .bindPool(let row): row.failed
            }
        }

        /// Of these, the ones for want of a port.
        var wanted: Int {
            guard case .tuple(let row) = kind else { return failed }
            return failed - row.causes.reduce(0) { $0 + ($1.key.isWantOfPort ? 0 : $1.value) }
        }

        var opened: Int {
            guard case .tuple(let row) = kind else { return 0 }
            return row.totals.opened
        }
    }

    init(_ reports: [RunReport]) {
        self.reports = reports
        hosts = HostsWriter.names(of: reports)
        var rows: [Row] = []
        for (host, report) in reports.enumerated() {
            let all = report.series.map { ($0.subject, $0.series) }
            let series = Dictionary(all, uniquingKeysWith: { first, _ in first })
            let tuples = report.summary.tuples.map(Row.Kind.tuple)
            for kind in tuples + report.summary.bindPools.map(Row.Kind.bindPool) {
                var row = Row(host: host, kind: kind)
                row.series = series[row.subject]
                if row.series?.points.isEmpty == true { row.series = nil }
                rows.append(row)
            }
        }
        let order = rows.indices.sorted { Self.precedes(rows[$0], rows[$1], $0 < $1) }
        let shown = Self.numbered(order.prefix(Self.limit).map { rows[$0] })
        self.rows = shown
        rowsOmitted =
            max(0, rows.count - Self.limit)
            + reports.reduce(0) { $0 + $1.summary.tuplesOmitted }
        worst = shown.indices.max { (shown[$0].wanted, -$0) < (shown[$1].wanted, -$1) }
        begin = reports.map(\.startedAt).min() ?? 0
        end = reports.map(\.endedAt).max() ?? 0
    }

    /// All times of a page are those of the first host's clock and zone.
    var timestamps: Timestamps {
        reports.first?.context.timestamps ?? Timestamps(realtimeOffset: 0, localOffset: 0)
    }

    /// `web-1: `, where there are several hosts.
    func prefix(_ host: Int) -> TextBuffer { hosts.count > 1 ? "\(hosts[host]): " : "" }

    /// Milliseconds since the begin.
    func elapsed(_ time: UInt64) -> Int { Int(clamping: (time - min(time, begin)) / 1_000_000) }

    private static func numbered(_ rows: [Row]) -> [Row] {
        var count = 0
        return rows.map { row in
            guard row.series != nil else { return row }
            var numbered = row
            numbered.chart = count
            count += 1
            return numbered
        }
    }

    private static func precedes(_ a: Row, _ b: Row, _ isEarlier: Bool) -> Bool {
        if a.peak.share != b.peak.share { return a.peak.share > b.peak.share }
        if a.wanted != b.wanted { return a.wanted > b.wanted }
        if a.opened != b.opened { return a.opened > b.opened }
        return isEarlier
    }
}
