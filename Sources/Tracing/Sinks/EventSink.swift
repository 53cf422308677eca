import Events
import LinuxSystem
import PortModel
import Report

/// A reader of the events of a trace: a stream, a recording, a report.
///
/// Counting never waits for one. Only what `takesConnections` is asked about single connections.
package protocol EventSink: AnyObject {
    /// Whether it may want single connections, from now on until the ticks of this second.
    var takesConnections: Bool { get }
    /// Whether it wants to know now and then what the summary would be.
    var takesProgress: Bool { get }

    /// Takes a connection's event, if it is wanted.
    func take(_ change: Change, in context: RenderContext)
    /// Takes any other event.
    func take(_ event: Event, at time: UInt64, in context: RenderContext)
    /// Takes a second's ticks, the last of its events.
    func take(_ ticks: [Tick], at time: UInt64, in context: RenderContext)

    /// Lines that were dropped because the reader was too slow, or the disk full.
    var dropped: Int { get }
    /// Writes what the reader takes without waiting, and has `poller` report when it takes more.
    func flush(_ poller: borrowing Poller) throws(SystemError)
    /// Has `poller` report when the reader goes away, even while there is nothing to write.
    func watchReader(_ poller: borrowing Poller) throws(SystemError)
    /// - Parameter ready: the descriptors that the poller reported.
    func checkReader(_ ready: [Int32]) throws(SystemError)
    /// Writes all that is left, for as long as the reader takes it.
    func finish() throws(SystemError)
    /// Removes what was made, as nothing has come of it.
    func discard()
}

extension EventSink {
    package var takesConnections: Bool { false }
    package var takesProgress: Bool { false }
    package func take(_ change: Change, in context: RenderContext) {}
    package func take(_ ticks: [Tick], at time: UInt64, in context: RenderContext) {
        for tick in ticks { take(.tick(tick), at: time, in: context) }
    }

    package var dropped: Int { 0 }
    package func flush(_ poller: borrowing Poller) throws(SystemError) {}
    package func watchReader(_ poller: borrowing Poller) throws(SystemError) {}
    package func checkReader(_ ready: [Int32]) throws(SystemError) {}
    package func finish() throws(SystemError) {}
    package func discard() {}
}

/// All sinks of a trace, in the order in which they finish.
package struct Sinks {
    let all: [any EventSink]
    /// Those that may want single connections.
    private var connections: [any EventSink]
    package let takeProgress: Bool

    init(_ all: [any EventSink]) {
        self.all = all
        connections = all.filter(\.takesConnections)
        takeProgress = all.contains(where: \.takesProgress)
    }

    /// Whether anybody may want single connections: asked a million times a second.
    var takeConnections: Bool { !connections.isEmpty }

    mutating func take(_ change: Change, in context: RenderContext) {
        var isAnySated = false
        for sink in connections {
            sink.take(change, in: context)
            if !sink.takesConnections { isAnySated = true }
        }
        if isAnySated { connections.removeAll { !$0.takesConnections } }
    }

    func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        for sink in all { sink.take(event, at: time, in: context) }
    }

    mutating func take(_ ticks: [Tick], at time: UInt64, in context: RenderContext) {
        for sink in all { sink.take(ticks, at: time, in: context) }
        connections = all.filter(\.takesConnections)
    }

    package var dropped: Int { all.reduce(0) { $0 + $1.dropped } }

    func flush(_ poller: borrowing Poller) throws(SystemError) {
        for sink in all { try sink.flush(poller) }
    }

    /// Finishes all, and returns the first failure, which does not keep back the others.
    func finish() -> SystemError? {
        var failure: SystemError?
        for sink in all {
            do throws(SystemError) { try sink.finish() } catch { failure = failure ?? error }
        }
        return failure
    }
}
