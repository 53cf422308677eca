import Events
import PortModel
import Probe
import Testing
import Tracing

/// When bind tables are read anew, and that it takes little.
@Suite struct NamespaceRefresherTests {
    private let sink = CollectingSink()
    private let places = NamespacePlaces()

    private func bound(_ ports: UInt16...) -> PortSet {
        var set = PortSet()
        for port in ports { set.insert(port) }
        return set
    }

    private func reconciler(_ table: inout SimulatedTable) -> Reconciler {
        table.connections[1] = [(Scene.connection(1, at: 0, port: 40_001), .established)]
        return Reconciler(
            interval: nil, places: places, now: table.now)
    }

    @Test func whatABindHoldsIsReadEachSecondWherePortsAreHeld() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(&table)
        var refresher = NamespaceRefresher(places: places)
        try reconciler.seed(&table, &pipeline)
        try refresher.refreshAll(&table, &pipeline)
        #expect(pipeline.ledger.tuples.map(\.usable) == [8])
        table.bound[1] = bound(40_005, 40_006)
        table.now += Scene.second
        try refresher.secondPassed(&table, &pipeline)
        #expect(pipeline.ledger.tuples.map(\.usable) == [6])
    }

    @Test func beforeAFailureIsReportedTheTableIsFresh() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(&table)
        var refresher = NamespaceRefresher(places: places)
        try reconciler.seed(&table, &pipeline)
        try refresher.refreshAll(&table, &pipeline)
        table.bound[1] = bound(40_000, 40_002, 40_003, 40_004, 40_005, 40_006, 40_007)
        table.owned = [
            .holder(
                Record.Holder(
                    netns: 1, local: Scene.tuple.local, localPort: 40_002, process: Scene.process))
        ]
        try refresher.beforeReporting(&table, &pipeline)
        #expect(pipeline.ledger.tuples.map(\.usable) == [8], "nobody failed")
        for record in Scene.failed(9, at: table.now) { pipeline.take(record) }
        table.now += Scene.second / 10
        try refresher.beforeReporting(&table, &pipeline)
        pipeline.reportFailures()
        #expect(sink.failures.map(\.call.cause) == [.blocked])
        #expect(sink.failures[0].limit?.bound == 7)
        #expect(sink.failures[0].limit?.holders.map(\.process) == [Scene.process])
    }

    /// Its inode may be another's by now, which must not be taken for it.
    @Test func anotherNamespacesTableIsNoTableOfThisOne() throws {
        var table = SimulatedTable()
        var pipeline = Scene.pipeline(sink)
        var reconciler = reconciler(&table)
        var refresher = NamespaceRefresher(places: places)
        try reconciler.seed(&table, &pipeline)
        table.identities[11] = 2
        table.bound[2] = bound(40_005)
        table.now += Scene.second
        try refresher.secondPassed(&table, &pipeline)
        #expect(pipeline.ledger.tuples.map(\.usable) == [8])
    }
}
