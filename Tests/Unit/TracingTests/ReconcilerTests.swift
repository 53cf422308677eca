import Events
import LinuxSystem
import PortModel
import Probe
import Testing
import Tracing

/// When the ledger is held against the kernel's table, and what that corrects: with a table of the
/// test's own.
@Suite struct ReconcilerTests {
    private let sink = CollectingSink()
    private let places = NamespacePlaces()

    private func reconciler(_ table: borrowing SimulatedTable, interval: UInt64? = 10)
        -> Reconciler
    {
        Reconciler(
            interval: interval.map { $0 * Scene.second }, places: places,
            now: table.now)
    }

    private func existing(_ sockets: ClosedRange<UInt64>, netns: UInt32 = 1)
        -> [(Record.Connection, Record.State)]
    {
        sockets.map {
            (Scene.connection($0, at: 0, port: Scene.port($0), netns: netns), .established)
        }
    }

    private func held(_ pipeline: borrowing Pipeline) -> Int {
        pipeline.ledger.tuples.reduce(0) { $0 + $1.held }
    }

    @Test func aSeedEntersWhatExists() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...3)
        var reconciler = reconciler(table)
        var seen = 0
        try reconciler.seed(&table, &pipeline) { _ in seen += 1 }
        #expect(held(pipeline) == 3 && seen == 8, "two rounds of a namespace and three")
        #expect(pipeline.context.namespaceNames == [1: "pid 11 of 11"])
        #expect(reconciler.accuracy.audits == 0 && sink.audits.isEmpty)
    }

    @Test func anAuditIsDueAfterItsIntervalAndFindsNothing() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...3)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 0)
        table.now += 10 * Scene.second
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(sink.audits.map(\.sockets) == [3] && sink.audits[0].drift.isEmpty)
        #expect(reconciler.accuracy.audits == 1 && reconciler.accuracy.largestDrift == 0)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 1, "the next one is due after another interval")
    }

    @Test func anAuditDropsWhatTheKernelNoLongerHas() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...5)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.connections[1] = existing(1...2)
        try reconciler.finish(&table, &pipeline)
        #expect(sink.audits.map(\.totalDrift) == [3] && held(pipeline) == 2)
        #expect(reconciler.accuracy.lastDrift == 3 && reconciler.accuracy.repairs == 0)
    }

    /// A look because of a failure corrects what it finds, which is drift as if an audit had found it; but
    /// where none are wanted, it starts none.
    @Test(arguments: [10 as UInt64?, nil]) func aLookTellsWhatItCorrects(interval: UInt64?) throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...8)
        var reconciler = reconciler(table, interval: interval)
        try reconciler.seed(&table, &pipeline)
        table.connections[1] = existing(1...5) + existing(20...20)
        pipeline.take(.opened(Scene.connection(9, at: table.now)))
        pipeline.take(
            .closed(
                Record.Closing(
                    time: table.now + 1_000_000, socket: 9, localPort: 0, notSent: true)))
        try reconciler.lookBeforeReporting(table.now, isSecond: false, &table, &pipeline)
        #expect(sink.audits.map(\.totalDrift) == [3] && held(pipeline) == 5)
        #expect(reconciler.accuracy.largestDrift == 3 && reconciler.accuracy.audits == 0)
        pipeline.reportFailures()
        #expect(sink.failures.count == 1)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(held(pipeline) == (interval == nil ? 5 : 6))
        #expect(reconciler.accuracy.audits == (interval == nil ? 0 : 1))
    }

    /// More held than there are ports: something was missed, and is not left to the next audit.
    @Test func aContradictionIsLookedIntoAtOnce() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...8)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        // The ends of five were not reported. The next three take their ports.
        table.connections[1] = existing(6...11)
        for socket in 9...11 as ClosedRange<UInt64> {
            pipeline.take(.opened(Scene.connection(socket, at: table.now)))
            pipeline.take(
                .established(
                    socket: socket, localPort: 40_000 + UInt16(socket % 8), time: table.now))
        }
        #expect(held(pipeline) == 11)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(held(pipeline) == 6 && sink.audits.map(\.totalDrift) == [5])
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 1)
    }

    @Test func whatTheLedgerLacksIsEnteredByARepairAtOnce() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.connections[1] = existing(1...4)
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 4 && reconciler.accuracy.repairs == 1)
        #expect(sink.audits.map(\.totalDrift) == [4] && reconciler.accuracy.largestDrift == 4)
    }

    /// A record that is still in the ring explains what the table shows.
    @Test func whatIsUnderWayIsNoDifference() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.connections[1] = existing(1...1)
        table.ring = Scene.opened(1, at: table.now)
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 1 && reconciler.accuracy.largestDrift == 0)
        #expect(reconciler.accuracy.repairs == 0)
    }

    @Test func aLossIsRepairedAndCountsForNoDrift() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.connections[1] = existing(1...2)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.connections[1] = existing(2...6)
        table.lost = 9
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(held(pipeline) == 5 && sink.audits.map(\.totalDrift) == [3])
        #expect(sink.audits[0].drift.map(\.ports) == [-3], "one gone, four new")
        reconciler.secondPassed(table)
        #expect(reconciler.accuracy.lost == 9 && reconciler.accuracy.repairs == 1)
        #expect(reconciler.accuracy.largestDrift == 0 && reconciler.accuracy.audits == 0)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.snapshots == 2, "made up for once")
    }

    @Test func repairsAreASecondApart() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        for lost in 1...3 as ClosedRange<UInt64> {
            table.lost = lost
            try reconciler.afterDrain(table.now, &table, &pipeline)
        }
        #expect(reconciler.accuracy.repairs == 1)
        table.now += Scene.second
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(reconciler.accuracy.repairs == 2)
    }

    @Test func withoutAuditsALossIsRepairedAllTheSame() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table, interval: nil)
        try reconciler.seed(&table, &pipeline)
        table.now += 1000 * Scene.second
        try reconciler.afterDrain(table.now, &table, &pipeline)
        try reconciler.finish(&table, &pipeline)
        #expect(table.audits == 0)
        table.connections[1] = existing(1...1)
        table.lost = 1
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 1)
    }

    /// A transition that no copy of the program may have seen, though more were caught than skipped.
    @Test func aDoubtIsNotHiddenByFalseCatches() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        (table.counters.skipped, table.counters.caught, table.counters.doubtful) = (5, 9, 1)
        reconciler.secondPassed(table)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 1 && reconciler.accuracy.slipped == 0)
    }

    /// A transition that no copy of the program may have seen.
    @Test func whatSlippedThroughStartsAnAudit() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.counters.skipped = 5
        table.counters.caught = 4
        reconciler.secondPassed(table)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 1 && reconciler.accuracy.slipped == 1)
        reconciler.secondPassed(table)
        try reconciler.afterDrain(table.now, &table, &pipeline)
        #expect(table.audits == 1)
    }

    @Test func aNamespaceThatIsGoneHoldsNothingAndIsNoDrift() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.identities[12] = 2
        table.connections[2] = existing(1...3, netns: 2)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.identities[12] = nil
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 3, "the kernel has a while to end it")
        table.now += 5 * Scene.second
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 0 && sink.namespaces.last == .gone)
        #expect(reconciler.accuracy.largestDrift == 0)
    }

    /// A socket of it that somebody has open keeps a namespace.
    @Test func aNamespaceIsKeptByASocket() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.identities[12] = 2
        table.connections[2] = existing(1...3, netns: 2)
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        table.identities[12] = nil
        table.owned = [.owner(socket: 1, netns: 2, Scene.process)]
        try reconciler.finish(&table, &pipeline)
        table.now += 5 * Scene.second
        try reconciler.finish(&table, &pipeline)
        #expect(held(pipeline) == 3 && !sink.namespaces.contains(.gone))
    }

    /// Where the kernel has no iterator to compare by.
    @Test func noAuditWhereTheKernelHasNone() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        table.canAudit = false
        var reconciler = reconciler(table)
        try reconciler.seed(&table, &pipeline)
        try reconciler.finish(&table, &pipeline)
        #expect(table.audits == 0 && reconciler.accuracy.audits == 0)
    }

    /// An expensive audit comes less often than was asked for.
    @Test func auditsTakeNoMoreThanAFiftiethOfACPU() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(table, interval: 1)
        try reconciler.seed(&table, &pipeline)
        table.now += Scene.second
        let next = try auditCosting(Scene.second / 10, &table, &pipeline, &reconciler)
        #expect(next == 5 * Scene.second)
    }

    /// - Returns: nanoseconds until the one after it.
    private func auditCosting(
        _ cost: UInt64, _ table: inout SimulatedTable, _ pipeline: inout Pipeline,
        _ reconciler: inout Reconciler
    ) throws -> UInt64 {
        table.costOfAudit = cost
        try reconciler.afterDrain(table.now, &table, &pipeline)
        let ended = table.now
        let before = table.audits
        while table.audits == before {
            table.now += Scene.second / 100
            try reconciler.afterDrain(table.now, &table, &pipeline)
        }
        return (table.now - ended) / (Scene.second / 100) * (Scene.second / 100)
    }
}
