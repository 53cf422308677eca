import Foundation

@testable import Events
@testable import PortModel
@testable import Report

/// Reports of load tests that were never run.
enum ReportSample {
    static let began: UInt64 = 1_795_367_765_123_000_000
    private static let second: UInt64 = 1_000_000_000

    /// A client that opens so many connections a second towards one port, and closes each at once.
    struct Client {
        var port: UInt16
        var rate: Int
        var usable = 28_232
        var process = Sample.process
        var remote = Sample.tuple.remote
    }

    /// A host with such clients.
    ///
    /// - Parameter width: seconds for one point of the series.
    static func report(
        host: String = "web-1", seconds: Int = 140, width: Int = 1, _ clients: [Client]
    ) -> RunReport {
        var start = Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: [])
        (start.host, start.machine, start.cpus) = (host, "x86_64", 4)
        start.command = ["portgauge", "--html", "report.html"]
        start.thresholds = [50, 90]
        let duration = UInt64(seconds) * second
        var summary = Summary(duration: duration, accuracy: Accuracy(), linesDropped: 0)
        summary.accuracy.audits = 14
        summary.namespaces = [
            Summary.NamespaceRow(
                netns: Sample.tuple.netns, inode: Sample.tuple.netns, range: Sample.range,
                reserved: 0, bound: 0,
                timeWait: TimeWaitRules(
                    reuse: 2, reuseDelay: 1000, timestamps: true, limit: 65_536))
        ]
        var series: [RunReport.ScopeSeries] = []
        var moments: [Moment] = []
        for client in clients {
            let run = Run(client, seconds: seconds, width: width)
            summary.tuples.append(run.row)
            summary.totals.opened += run.row.totals.opened
            summary.totals.failed += run.row.totals.failed
            summary.held += run.row.usage.held
            series.append(RunReport.ScopeSeries(scope: run.scope, series: run.series))
            moments += run.moments
        }
        summary.portExhaustion.connects = summary.totals.failed
        if summary.totals.failed > 0 { summary.advice = Array(Sample.everyAdvice.prefix(3)) }
        var context = Sample.context
        context.timestamps.realtimeOffset = 0
        return RunReport(
            start: start, startedAt: began, endedAt: began + duration, ending: .complete,
            summary: summary, secondsPerPoint: width, totals: TimeSeries(), series: series,
            seriesOmitted: 0, moments: moments.sorted { $0.time < $1.time }, momentsOmitted: 0,
            reading: RunReport.Reading(), context: context)
    }

    /// So many clients, the first with most connections, for an hour.
    static func crowd(_ count: Int) -> RunReport {
        let clients = (0..<count).map {
            Client(port: UInt16(1000 + $0), rate: 1200 - 2 * $0)
        }
        return report(seconds: 3600, width: 8, clients)
    }

    /// One client's run, a step after the other.
    private struct Run {
        let scope: PortScope
        var row: Summary.TupleRow
        var series = TimeSeries()
        var moments: [Moment] = []

        init(_ client: Client, seconds: Int, width: Int) {
            var tuple = Sample.tuple
            (tuple.remote, tuple.remotePort) = (client.remote, client.port)
            scope = .tuple(tuple)
            let none = PortUsage(usable: client.usable)
            row = Summary.TupleRow(
                tuple: tuple, range: Sample.range, usage: none,
                peak: TupleState.Peak(usage: none, time: 0))
            var opened: [Int] = []
            for second in stride(from: 0, to: seconds, by: width) {
                // Those of the last minute are in TIME_WAIT.
                let timeWait = opened.suffix(60 / width).reduce(0, +)
                let wanted = client.rate * width * (80 + second * 7 % 41) / 100
                let open = min(wanted, client.usable - timeWait)
                opened.append(open)
                let idle = min(client.rate / 10, client.usable - timeWait - open)
                stand(
                    PortUsage(
                        held: timeWait + open + idle, timeWait: timeWait + open,
                        usable: client.usable), opened: open, failed: wanted - open, second, width)
            }
            var share = Callers.Share(
                process: client.process, opened: row.totals.opened, failed: row.totals.failed)
            if share.failed > 0 {
                row.causes = [.exhausted: share.failed]
                share.causes = row.causes
            }
            row.processes = [share]
        }

        private mutating func stand(
            _ usage: PortUsage, opened: Int, failed: Int, _ second: Int, _ width: Int
        ) {
            let time = ReportSample.began + UInt64(second + 1) * ReportSample.second
            for level in [50, 90]
            where usage.permille >= level * 10 && row.usage.permille < level * 10 {
                note(.alert(scope, level: level, usage: usage, exhaustedIn: 14), time)
            }
            if failed > 0, row.totals.failed == 0 {
                row.firstFailureAt = time
                note(
                    .firstFailure(
                        FailedCall(
                            scope: scope, process: Sample.process, cause: .exhausted)), time)
            }
            if usage.held > row.peak.held {
                row.peak = TupleState.Peak(usage: usage, time: time)
            }
            row.usage = usage
            row.totals.opened += opened
            row.totals.failed += failed
            var point = TimeSeries.Point()
            (point.held, point.timeWait) = (UInt32(usage.held), UInt32(usage.timeWait))
            (point.opened, point.failed) = (UInt32(opened), UInt32(failed))
            point.usable = UInt32(usage.usable)
            point.search = usage.share > 0.5 ? UInt32(second % 50 * 90) : 0
            series.add(point, in: second, width: width)
        }

        private mutating func note(_ kind: Moment.Kind, _ time: UInt64) {
            moments.append(Moment(time: time, kind: kind))
        }
    }
}

/// An HTML page, and what can be asked of one without a browser.
struct HTMLText {
    let text: String

    init(_ reports: [RunReport]) {
        text = String(HTMLPage(reports).text)
    }

    /// What stands between these, the first time.
    func between(_ start: String, _ end: String) -> Substring {
        guard let from = text.range(of: start),
            let to = text.range(of: end, range: from.upperBound..<text.endIndex)
        else { return "" }
        return text[from.upperBound..<to.lowerBound]
    }

    func count(_ what: String) -> Int { text.components(separatedBy: what).count - 1 }
}
