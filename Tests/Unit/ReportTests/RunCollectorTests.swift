import Testing

@testable import Events
@testable import PortModel
@testable import Report

@Suite struct RunCollectorTests {
    private static let second: UInt64 = 1_000_000_000
    private static let began: UInt64 = 1_795_367_765 * second

    private func tuple(_ number: Int) -> Tuple {
        var tuple = Sample.tuple
        tuple.remotePort = UInt16(number)
        return tuple
    }

    private func tick(
        _ number: Int, held: Int, timeWait: Int = 0, opened: Int = 0, failed: Int = 0
    ) -> Event {
        var since = TupleState.Totals()
        (since.opened, since.failed) = (opened, failed)
        return .tick(
            Tick(
                place: 0, tuple: tuple(number),
                usage: PortUsage(held: held, timeWait: timeWait, usable: 100), since: since))
    }

    private func collector(_ limits: RunCollector.Limits = .init()) -> RunCollector {
        var collector = RunCollector(limits: limits)
        collector.take(
            .start(Event.Start(version: "1", kernel: "6", hooks: [])), at: Self.began)
        return collector
    }

    /// A little after the end of a second, as it comes.
    private func end(of second: Int) -> UInt64 {
        Self.began + UInt64(second + 1) * Self.second + 3_000_000
    }

    @Test func allTuplesAreAddedUp() {
        var run = collector()
        run.take(tick(1, held: 10, timeWait: 4, opened: 10), at: end(of: 0))
        run.take(tick(2, held: 5, opened: 5, failed: 1), at: end(of: 0))
        run.take(tick(1, held: 0), at: end(of: 2))
        let report = run.report(in: Sample.context)
        #expect(report.totals.points.map(\.held) == [15, 15, 5])
        #expect(report.totals.points.map(\.timeWait) == [4, 4, 0])
        #expect(report.totals.points.map(\.opened) == [15, 0, 0])
        #expect(report.totals.points.map(\.failed) == [1, 0, 0])
        #expect(
            report.series.first { $0.scope == .tuple(tuple(2)) }?.series.points.map(\.held) == [
                5, 5, 5,
            ])
        #expect(report.startedAt == Self.began && report.endedAt == end(of: 2))
    }

    @Test func withoutASummaryTheTicksTell() {
        var run = collector()
        run.take(tick(1, held: 10, timeWait: 4, opened: 10), at: end(of: 0))
        run.take(tick(1, held: 3, opened: 2, failed: 7), at: end(of: 1))
        let report = run.report(in: Sample.context)
        #expect(report.ending == .ticksOnly)
        #expect(report.summary.totals.opened == 12 && report.summary.totals.failed == 7)
        #expect(report.summary.held == 3)
        #expect(report.summary.duration == 2_003_000_000)
        #expect(report.summary.tuples.map(\.peak.held) == [10])
    }

    /// Of one that broke off, causes and processes are as old as its last summary, counts are not.
    @Test func theTicksGoOnWhereASummaryEnds() {
        var run = collector()
        run.take(tick(1, held: 10, opened: 10), at: end(of: 0))
        var row = Summary.TupleRow(
            tuple: tuple(1), range: Sample.range, usage: PortUsage(held: 10, usable: 100),
            peak: TupleState.Peak(usage: PortUsage(held: 12, usable: 100), time: 1))
        row.totals.opened = 10
        row.causes = [.exhausted: 1]
        var summary = Summary(duration: 1, accuracy: Accuracy(), linesDropped: 0)
        summary.tuples = [row]
        summary.totals.opened = 10
        run.take(.progress(summary), at: end(of: 0))
        run.take(tick(1, held: 50, opened: 40, failed: 3), at: end(of: 1))
        run.take(tick(2, held: 90, opened: 90), at: end(of: 1))
        run.take(tick(1, held: 20), at: end(of: 2))
        let report = run.report(in: Sample.context)
        #expect(report.ending == .summaryAt(end(of: 0)))
        #expect(report.summary.totals.opened == 140 && report.summary.portExhaustion.connects == 3)
        #expect(report.summary.held == 110)
        #expect(report.summary.tuples.map(\.tuple) == [tuple(2), tuple(1)])
        #expect(report.summary.tuples.map(\.peak.held) == [90, 50])
        #expect(report.summary.tuples.map(\.usage.held) == [90, 20])
        #expect(report.summary.tuples[1].causes == [.exhausted: 1])
        #expect(report.summary.tuples[1].totals.opened == 50)
    }

    @Test func theLastSummaryCounts() {
        var run = collector()
        let summary = Summary(duration: 1, accuracy: Accuracy(), linesDropped: 1)
        run.take(.progress(summary), at: end(of: 9))
        #expect(run.report(in: Sample.context).ending == .summaryAt(end(of: 9)))
        var last = summary
        last.linesDropped = 2
        run.take(.summary(last), at: end(of: 10))
        let report = run.report(in: Sample.context)
        #expect(report.ending == .complete && report.summary == last)
    }

    @Test func theRunOutlastsItsTicks() {
        var limits = RunCollector.Limits()
        limits.points = 4
        var run = collector(limits)
        run.take(tick(1, held: 7), at: end(of: 1))
        run.take(
            .summary(Summary(duration: 0, accuracy: Accuracy(), linesDropped: 0)), at: end(of: 9))
        let report = run.report(in: Sample.context)
        #expect(report.secondsPerPoint == 4)
        #expect(report.totals.points.map(\.held) == [7, 7, 7])
    }

    @Test func onlyTheFullestHaveASeries() {
        var limits = RunCollector.Limits()
        (limits.series, limits.points, limits.moments) = (3, 2, 3)
        var run = collector(limits)
        for second in 0..<50 {
            for number in 0..<20 {
                run.take(tick(number, held: 1 + number), at: end(of: second))
                run.take(.lost(1), at: end(of: second))
            }
        }
        let report = run.report(in: Sample.context)
        #expect(report.series.map(\.scope) == [19, 18, 17].map { .tuple(tuple($0)) })
        #expect(report.series.allSatisfy { $0.series.points.count <= 2 })
        #expect(report.totals.points.map(\.held) == [210, 210])
        #expect(report.moments.count == 3 && report.momentsOmitted == 997)
    }

    /// By name; where each process was reported by itself, by process.
    @Test(arguments: [("1.2.3", 1), ("0.1.0", 2)])
    func onlyTheFirstFailureIsAMoment(version: String, moments: Int) {
        var run = collector()
        let start = Event.Start(version: version, kernel: "6.18.44", hooks: [])
        run.take(.start(start), at: Self.began)
        for pid: UInt32 in [1, 2, 1, 1] {
            let call = FailedCall(
                scope: .tuple(tuple(1)), process: ProcessID(pid: pid, name: .init("x")),
                cause: .exhausted)
            var failure = Failure(call, time: 0, usage: PortUsage(usable: 0))
            failure.search = 5_000_000
            run.take(.failure(failure), at: end(of: 0) + 1)
        }
        run.take(tick(1, held: 1), at: end(of: 1))
        run.take(tick(1, held: 1), at: end(of: 2))
        let report = run.report(in: Sample.context)
        #expect(report.moments.count == moments)
        #expect(
            report.series.first { $0.scope == .tuple(tuple(1)) }?.series.points.map(\.search) == [
                5000, 0,
            ])
    }

    /// Nor does one that is put back.
    @Test func aClockThatLeapsTakesNoSpace() {
        var run = collector()
        run.take(tick(1, held: 1), at: Self.began + (1 << 62))
        run.take(tick(1, held: 2), at: end(of: 3))
        run.take(tick(1, held: 3), at: 0)
        let report = run.report(in: Sample.context)
        #expect(report.series[0].series.points.last?.held == 3)
    }
}
