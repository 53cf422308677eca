import Events
import PortModel

/// Makes a `RunReport` of the events of a run, in the order of a recording. Connections are no part of
/// it: the ticks tell of them. Its space is bounded: a full series halves the resolution of all, and
/// of many tuples those with the greatest peak share have a series.
package struct RunCollector: Sendable {
    package struct Limits: Sendable {
        /// Points of a series.
        package var points = 600
        /// Series in the report. While it is made, there are at most twice as many.
        package var series = 500
        package var moments = 2000
        /// Tuples that hold ports at once, for the totals.
        package var tuples = 1 << 17
        /// Recordings in a row.
        package var runs = 1000

        package init() {}
    }

    private let limits: Limits
    private var start: Event.Start?
    private var startedAt: UInt64?
    private var latest: UInt64 = 0
    private var final: Summary?
    private var interim: (summary: Summary, time: UInt64)?

    private var width = 1
    private var lastSecond = 0
    private var followed: [PortScope: Followed] = [:]
    private var followedSoFar = 0
    private var totals = TotalSeries()

    private var moments: [Moment] = []
    private var momentsOmitted = 0
    private var failuresSeen: Set<FailedCall> = []

    /// The version that reported the failures of each process by themselves.
    private static let reportingProcesses = "0.1.0"

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// What was said of one tuple or bind pool.
    private struct Followed {
        /// In the order in which they came.
        var number: Int
        var series = TimeSeries()
        var usage = PortUsage(usable: 0)
        var peak = TupleState.Peak(usage: PortUsage(usable: 0), time: 0)
        /// Of a bind pool only what failed.
        var totals = TupleState.Totals()
        /// Microseconds that a connect() searched that failed since the last tick.
        var search: UInt32 = 0

        mutating func stand(_ usage: PortUsage, at time: UInt64) {
            self.usage = usage
            if usage.held > peak.held { peak = TupleState.Peak(usage: usage, time: time) }
        }
    }

    // MARK: Events

    /// - Parameter time: as all times here, nanoseconds since 1970.
    package mutating func take(_ event: Event, at time: UInt64) {
        see(time)
        switch event {
        case .start(let start): self.start = start
        case .tick(let tick): take(tick, at: time)
        case .bindPool(let pool): take(pool, at: time)
        case .failure(let failure): take(failure, at: time)
        case .alert(let alert):
            let seconds = alert.forecast?.exhaustedIn
            note(
                .alert(alert.scope, level: alert.level, usage: alert.usage, exhaustedIn: seconds),
                at: time)
        case .lost(let count): note(.lost(count), at: time)
        case .audit(let audit):
            let ports = audit.totalDrift
            if ports > 0 { note(.drift(netns: audit.netns, ports: ports), at: time) }
        case .namespace(let news): note(.namespace(netns: news.netns, news.kind), at: time)
        case .progress(let summary): interim = (summary, time)
        case .summary(let summary): final = summary
        case .connection, .portsBack, .snapshot: break
        }
    }

    /// What one tuple did in the second before `time`.
    private mutating func take(_ tick: Tick, at time: UInt64) {
        let second = second(endingAt: time)
        var point = TimeSeries.Point(tick.usage)
        point.opened = UInt32(clamping: tick.since.opened)
        point.closed = UInt32(clamping: tick.since.closed)
        point.failed = UInt32(clamping: tick.since.failed)
        point.search = UInt32(clamping: (tick.search ?? 0) / 1000)
        totals.add(tick, point, in: second, width: width, limit: limits.tuples)
        with(.tuple(tick.tuple)) { entry, width in
            point.search = max(point.search, entry.search)
            entry.search = 0
            entry.series.add(point, in: second, width: width)
            entry.totals.add(tick.since)
            entry.stand(tick.usage, at: time)
        }
    }

    /// How a pool stood that bind() chooses from.
    private mutating func take(_ pool: Event.BindPoolUsage, at time: UInt64) {
        let second = second(endingAt: time)
        with(.bindPool(pool.key)) { entry, width in
            var point = TimeSeries.Point(pool.usage)
            point.failed = UInt32(clamping: pool.failed - min(pool.failed, entry.totals.failed))
            entry.totals.failed = pool.failed
            entry.series.add(point, in: second, width: width)
            entry.stand(pool.usage, at: time)
        }
    }

    private mutating func take(_ failure: Failure, at time: UInt64) {
        if let search = failure.search, case .tuple = failure.call.scope {
            with(failure.call.scope) { entry, _ in
                entry.search = max(entry.search, UInt32(clamping: search / 1000))
            }
        }
        var call = failure.call
        // Whichever port it named, and whichever process of that name, it is the same failure.
        call.localPort = 0
        let process = call.process
        if start?.version != Self.reportingProcesses { call.process.pid = 0 }
        if failuresSeen.count < limits.moments, failuresSeen.insert(call).inserted {
            call.process = process
            note(.firstFailure(call), at: time)
        }
    }

    // MARK: The report

    /// What has come so far, with the names of `context`.
    package func report(
        in context: RenderContext, _ reading: RunReport.Reading = RunReport.Reading()
    ) -> RunReport {
        var copy = self
        copy.advance(to: Self.second(endingAfter: elapsed(latest)))
        return copy.finished(in: context, reading)
    }

    private func finished(in context: RenderContext, _ reading: RunReport.Reading) -> RunReport {
        let end = lastSecond + 1
        let ending: RunReport.Ending =
            final != nil ? .complete : interim.map { .summaryAt($0.time) } ?? .ticksOnly
        let summary = final ?? interimSummary
        let series = ranked.prefix(limits.series).map { scope, entry in
            var series = entry.series
            series.carry(to: end, width: width)
            return RunReport.ScopeSeries(scope: scope, series: series)
        }
        let subjects = summary.tuples.count + summary.tuplesOmitted + summary.bindPools.count
        return RunReport(
            start: start, startedAt: startedAt ?? latest, endedAt: latest, ending: ending,
            summary: summary, secondsPerPoint: width, totals: totals.finished(end, width: width),
            series: series, seriesOmitted: max(0, subjects - series.count), moments: moments,
            momentsOmitted: momentsOmitted, reading: reading, context: context)
    }

    /// All that is known of a run that broke off.
    private var interimSummary: Summary {
        var summary =
            interim?.summary ?? Summary(duration: 0, accuracy: Accuracy(), linesDropped: 0)
        summary.duration = elapsed(latest)
        (summary.held, summary.timeWait) = (totals.held, totals.timeWait)
        let ticks = ranked.prefix(limits.series).compactMap { scope, entry in
            scope.tuple.map { tuple in
                let range = PortRange(low: 1, high: 0)
                var row = Summary.TupleRow(
                    tuple: tuple, range: range, usage: entry.usage, peak: entry.peak)
                row.totals.raise(to: entry.totals)
                return row
            }
        }
        summary.bringUpToDate(ticks, totals: totals.sums)
        return summary
    }

    // MARK: Time

    private func elapsed(_ time: UInt64) -> UInt64 { time - min(time, startedAt ?? time) }

    /// The second a tick tells of, a little before `time`; the last one if the clock went back.
    private mutating func second(endingAt time: UInt64) -> Int {
        see(time)
        advance(to: Self.second(endingAfter: elapsed(time)))
        return lastSecond
    }

    private static func second(endingAfter elapsed: UInt64) -> Int {
        Int((elapsed + 500_000_000) / 1_000_000_000) - 1
    }

    private mutating func see(_ time: UInt64) {
        if startedAt == nil { startedAt = time }
        latest = max(latest, time)
    }

    private mutating func advance(to second: Int) {
        lastSecond = max(lastSecond, second)
        while lastSecond / width >= limits.points {
            width *= 2
            totals.series.halve()
            for scope in followed.keys { followed[scope]?.series.halve() }
        }
    }

    // MARK: Series

    private mutating func with(_ scope: PortScope, _ body: (inout Followed, _ width: Int) -> Void) {
        if followed[scope] == nil, followed.count >= 2 * limits.series { dropLeast() }
        if followed[scope] == nil { followedSoFar += 1 }
        body(&followed[scope, default: Followed(number: followedSoFar)], width)
    }

    private mutating func dropLeast() {
        let kept = ranked.prefix(limits.series)
        followed = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
    }

    private var ranked: [(key: PortScope, value: Followed)] {
        followed.sorted { a, b in
            let (one, other) = (a.value, b.value)
            return (one.peak.share, one.totals.failed, one.totals.opened, other.number)
                > (other.peak.share, other.totals.failed, other.totals.opened, one.number)
        }
    }

    // MARK: Moments

    private mutating func note(_ kind: Moment.Kind, at time: UInt64) {
        see(time)
        if moments.count < limits.moments {
            moments.append(Moment(time: time, kind: kind))
        } else {
            momentsOmitted += 1
        }
    }
}

extension Summary {
    /// Brings one up to date that was made before the end of a run that broke off, but for causes,
    /// processes and advice. `ticks`: of the tuples with the greatest peak share; `totals`: of all.
    fileprivate mutating func bringUpToDate(_ ticks: [TupleRow], totals: TupleState.Totals) {
        self.totals.raise(to: totals)
        portExhaustion.connects = max(
            portExhaustion.connects,
            self.totals.failed - min(self.totals.failed, otherErrors.connects))
        let known = tuples.enumerated().map { ($1.tuple, $0) }
        let places = Dictionary(known, uniquingKeysWith: { $1 })
        for ticked in ticks {
            guard let place = places[ticked.tuple] else {
                tuples.append(ticked)
                continue
            }
            tuples[place].usage = ticked.usage
            if ticked.peak.held > tuples[place].peak.held { tuples[place].peak = ticked.peak }
            tuples[place].totals.raise(to: ticked.totals)
        }
        tuplesOmitted = max(0, tuplesOmitted - (tuples.count - places.count))
        tuples.sort { $0.peak.share > $1.peak.share }
    }
}
