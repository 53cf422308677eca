import Events
import Glibc
import LinuxSystem
import PortModel
import Testing

@testable import Tracing

@Suite(.serialized) struct ObserverTests {
    /// Asks for nothing.
    private final class Idle: TraceObserver {}

    @Test func whoDoesNothingEndsNothing() throws {
        let idle = Idle()
        let poller = try Poller()
        let pipeline = Scene.pipeline(CollectingSink())
        try idle.begin(poller, pipeline)
        #expect(try idle.serve([3], poller, pipeline))
        try idle.end()
    }

    /// A signal that is asked for ends the trace, and no process.
    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func aSignalEndsTheTrace(number: Int32) throws {
        let pipeline = Scene.pipeline(CollectingSink())
        let observer = try SignalObserver()
        defer { observer.end() }
        let poller = try Poller()
        try observer.begin(poller, pipeline)
        #expect(try observer.serve(poller.wait(milliseconds: 0), poller, pipeline))
        raise(number)
        #expect(try !observer.serve(poller.wait(milliseconds: 1000), poller, pipeline))
    }
}
