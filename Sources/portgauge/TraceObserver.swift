import LinuxSystem
import PortModel

/// What goes along with a trace: the loop of `Trace` serves it, on the one thread that there is.
///
/// The calls come in this order; where one throws, the trace ends and none comes after it.
protocol TraceObserver: ~Copyable {
    /// The hooks are in place, and what exists has been counted: has `poller` watch what it waits for.
    mutating func begin(_ poller: borrowing Poller, _ road: borrowing Road) throws(SystemError)

    /// After each wait, many times a second while there is traffic.
    ///
    /// - Parameter ready: the descriptors that are, its own among them.
    /// - Returns: false when the trace is to end.
    mutating func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ road: borrowing Road
    ) throws(SystemError) -> Bool

    /// A second has passed.
    ///
    /// - Parameter ticks: the tuples in which anything changed.
    mutating func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ road: borrowing Road, _ accuracy: Accuracy
    ) throws(SystemError)

    /// The trace is over; from now on signals kill again. The summary is yet to come.
    mutating func end() throws(SystemError)
}

extension TraceObserver where Self: ~Copyable {
    mutating func begin(_ poller: borrowing Poller, _ road: borrowing Road) throws(SystemError) {}

    mutating func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ road: borrowing Road
    ) throws(SystemError) -> Bool { true }

    mutating func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ road: borrowing Road, _ accuracy: Accuracy
    ) throws(SystemError) {}

    mutating func end() throws(SystemError) {}
}

/// Nobody goes along.
struct Alone: TraceObserver {}
