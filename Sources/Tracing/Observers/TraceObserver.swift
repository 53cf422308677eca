import LinuxSystem
import PortModel

/// Goes along with a trace: the full screen, a command, whoever may stop it. The loop makes the calls
/// in this order on its one thread; where one throws, the trace ends and none comes after it.
package protocol TraceObserver: AnyObject {
    /// Takes a record of what existed before the start, whether or not a filter lets it pass.
    func found(_ record: Record)

    /// Has `poller` watch what it waits for: hooks are in place, and what existed has been counted.
    func begin(_ poller: borrowing Poller, _ pipeline: borrowing Pipeline) throws(SystemError)

    /// Serves the descriptors that are `ready`, its own among them, many times a second while there is
    /// traffic; returns false when the trace is to end.
    func serve(_ ready: [Int32], _ poller: borrowing Poller, _ pipeline: borrowing Pipeline)
        throws(SystemError) -> Bool

    /// Takes what a second has brought, with the tuples in which anything changed.
    func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ pipeline: borrowing Pipeline, _ accuracy: Accuracy
    ) throws(SystemError)

    /// Ends: from now on signals kill again. The last records and the summary are yet to come.
    func end() throws(SystemError)

    /// Is told before the summary which processes of the command are left.
    func closing(_ survivors: Set<UInt32>)
}

extension TraceObserver {
    package func found(_ record: Record) {}
    package func begin(
        _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) {}

    package func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) -> Bool { true }

    package func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ pipeline: borrowing Pipeline, _ accuracy: Accuracy
    ) throws(SystemError) {}

    package func end() throws(SystemError) {}
    package func closing(_ survivors: Set<UInt32>) {}
}

/// Ends the trace when somebody asks for it: Ctrl-C, SIGTERM or SIGHUP.
final class SignalObserver: TraceObserver {
    private let signals: StopSignals

    init() throws(SystemError) { signals = try StopSignals() }

    func begin(_ poller: borrowing Poller, _ pipeline: borrowing Pipeline) throws(SystemError) {
        try poller.watch(signals.descriptor, for: .readable)
    }

    func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) -> Bool { !ready.contains(signals.descriptor) }

    func end() { signals.letKill() }
}
