import Events
import PortModel
import Report
import Testing
import Tracing

/// What becomes of records, without a kernel, a clock or a file.
@Suite struct PipelineTests {
    private let sink = CollectingSink()

    private func pipeline(opened sockets: some Sequence<UInt64> = []) -> Pipeline {
        var pipeline = Scene.pipeline(sink)
        pipeline.take(Scene.namespace())
        for socket in sockets {
            for record in Scene.opened(socket, at: 10 * socket) { pipeline.take(record) }
        }
        return pipeline
    }

    @Test func aConnectionIsToldStepByStep() {
        var pipeline = pipeline(opened: 1...1)
        pipeline.take(
            .closed(Record.Closing(time: 90, socket: 1, localPort: Scene.port(1))))
        let kinds = sink.events.compactMap { event -> Change.Kind? in
            if case .connection(let change) = event { change.kind } else { nil }
        }
        #expect(kinds == [.opened, .established, .closed(timeWait: false, lived: 80, error: nil)])
        #expect(pipeline.ledger.tuples.map(\.held) == [0])
    }

    @Test func eachThresholdIsAnAlertOnce() {
        let pipeline = pipeline(opened: 1...8)
        #expect(sink.alerts.map(\.level) == [50, 66, 90])
        #expect(sink.alerts.map(\.usage.used) == [4, 6, 8])
        #expect(sink.alerts.allSatisfy { $0.scope == .tuple(Scene.tuple) })
        #expect(pipeline.ledger.tuples.map(\.held) == [8])
    }

    @Test func recoveringIsAnAlertOfLevelZero() {
        var pipeline = pipeline(opened: 1...8)
        sink.clear()
        for socket in 1...8 as ClosedRange<UInt64> {
            pipeline.take(
                .closed(
                    Record.Closing(time: 200, socket: socket, localPort: Scene.port(socket))))
        }
        #expect(sink.alerts.map(\.level) == [0])
    }

    @Test func aFailureIsReportedWithItsCauseAndThenCountedASecond() {
        var pipeline = pipeline(opened: 1...8)
        for socket in 20...24 as ClosedRange<UInt64> {
            for record in Scene.failed(socket, at: 1000 + socket) { pipeline.take(record) }
        }
        #expect(pipeline.ledger.failingNamespaces == [1])
        #expect(sink.failures.isEmpty, "not before the bind table was read")
        pipeline.reportFailures()
        #expect(sink.failures.map(\.count) == [1] && sink.failures[0].call.cause == .exhausted)
        #expect(pipeline.ledger.failingNamespaces.isEmpty)
        _ = pipeline.secondPassed(at: Scene.second, lost: 0)
        #expect(sink.failures.map(\.count) == [1, 4])
        let summary = pipeline.finish(duration: Scene.second, Accuracy())
        #expect(summary.portExhaustion == Calls(connects: 5))
    }

    /// Once, when nothing has failed for a second and a port is left.
    @Test func theEndOfAnExhaustionIsReportedOnce() throws {
        var pipeline = pipeline(opened: 1...8)
        for socket in 20...22 as ClosedRange<UInt64> {
            for record in Scene.failed(socket, at: Scene.second + socket) { pipeline.take(record) }
        }
        pipeline.reportFailures()
        func recoveries(at seconds: UInt64) -> [Event.Recovery] {
            _ = pipeline.secondPassed(at: seconds * Scene.second, lost: 0)
            return sink.events.compactMap { if case .portsBack(let one) = $0 { one } else { nil } }
        }
        #expect(recoveries(at: 2).isEmpty && recoveries(at: 3).isEmpty, "none is left")
        pipeline.take(.closed(Record.Closing(time: 3, socket: 1, localPort: Scene.port(1))))
        let found = recoveries(at: 4)
        #expect(found.map(\.scope) == [.tuple(Scene.tuple)] && found.map(\.failed) == [3])
        #expect(found[0].usage.available == 1 && found[0].duration == 2)
        #expect(recoveries(at: 5).count == 1)
    }

    @Test func namespacesAreNamedFoundChangedAndGone() {
        var pipeline = Scene.pipeline(sink)
        pipeline.take(Scene.namespace(pid: 7))
        #expect(pipeline.context.namespaceNames == [1: "pid 7 of 11"])
        #expect(pipeline.context.ownNamespace == 1)
        pipeline.take(Scene.namespace(pid: 7))
        pipeline.take(
            .namespace(
                netns: 1,
                Namespace(inode: 11, pool: PortPool(range: PortRange(low: 1, high: 9))), pid: 0))
        pipeline.close(1)
        pipeline.close(1)
        #expect(sink.namespaces == [.found, .changed, .gone])
    }

    @Test func anInodeThatIsGivenAgainEndsWhatHadIt() {
        var pipeline = pipeline(opened: 1...1)
        pipeline.now = 77
        pipeline.take(Scene.namespace(2))
        #expect(sink.namespaces == [.found, .gone, .found])
        #expect(pipeline.ledger.namespaces.keys.sorted() == [2])
        #expect(pipeline.context.namespaceNames[2] == "11", "by its number where nothing names it")
    }

    @Test func whatWasLostIsReportedOnce() {
        var pipeline = pipeline()
        let counts = ([3, 3, 5] as [UInt64]).map { lost -> [Int] in
            sink.clear()
            _ = pipeline.secondPassed(at: Scene.second, lost: lost)
            return sink.events.compactMap { if case .lost(let count) = $0 { count } else { nil } }
        }
        #expect(counts == [[3], [], [2]])
    }

    @Test func ticksAreOfWhatChanged() {
        var pipeline = pipeline(opened: 1...3)
        #expect(pipeline.secondPassed(at: Scene.second, lost: 0).map(\.since.opened) == [3])
        #expect(pipeline.secondPassed(at: 2 * Scene.second, lost: 0).isEmpty)
    }

    @Test func smallStepsOfTheClockAreNone() {
        var pipeline = pipeline()
        pipeline.setClock(realtimeOffset: 900_000, localOffset: 3600)
        #expect(pipeline.context.timestamps.realtimeOffset == 0)
        #expect(pipeline.context.timestamps.localOffset == 3600)
        pipeline.setClock(realtimeOffset: 2_000_000, localOffset: 0)
        #expect(pipeline.context.timestamps.realtimeOffset == 2_000_000)
    }
}
