import Glibc
import LinuxSystem
import PortModel
import Probe
import Report

/// Runs a command for as long as the trace lasts, and ends with it. Signals are handed on to it.
package final class CommandObserver: TraceObserver {
    private let child: ChildProcess
    private let signals: StopSignals
    /// Nil where it is not known in which network namespace this is.
    private var leftovers: Leftovers?

    /// - Parameter child: it still waits.
    package init(_ child: consuming ChildProcess) throws(SystemError) {
        self.child = child
        signals = try StopSignals(StopSignals.forCommand)
        leftovers = NetworkNamespaces.ownIdentity.map { Leftovers(of: $0) }
    }

    /// The pid that records give it; nil where they number processes otherwise, which is thrown if it
    /// is needed.
    package func root(isNeeded: Bool) throws(SystemError) -> UInt32? {
        if ProcessList.isNumberedAsInRecords { return UInt32(child.pid) }
        if !isNeeded { return nil }
        throw SystemError(
            "follow the command", errno: ENOTSUP,
            remedy: "--only needs the host's pid namespace; in a container: --pid=host")
    }

    /// Lets the command start; returns the errno if it could not be run.
    package func start() -> Int32? { child.start() }

    package func found(_ record: Record) { leftovers?.see(record) }

    /// Says what the command has to do without.
    package func begin(
        _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) {
        if let leftovers { complain(RunText.leftovers(leftovers, at: Clock.monotonic).bytes) }
        leftovers = nil
        try watch(poller)
    }

    private func watch(_ poller: borrowing Poller) throws(SystemError) {
        try poller.watch(signals.descriptor, for: .readable)
        try poller.watch(child.descriptor, for: .readable)
    }

    package func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) -> Bool {
        if ready.contains(signals.descriptor) { child.receive(signals) }
        return !ready.contains(child.descriptor)
    }

    package func end() { signals.letKill() }

    package func closing(_ survivors: Set<UInt32>) {
        guard !survivors.isEmpty else { return }
        let named = Array(ProcessList.named(survivors).prefix(3))
        complain(RunText.survivors(survivors.count, named: named).bytes)
    }

    /// Waits for the end of the command, and passes on what it is sent meanwhile.
    package func awaitEnd() throws(SystemError) -> ChildProcess.Ending {
        let poller = try Poller()
        try watch(poller)
        while !(try poller.wait(milliseconds: -1)).contains(child.descriptor) {
            child.receive(signals)
        }
        return child.wait()
    }
}
