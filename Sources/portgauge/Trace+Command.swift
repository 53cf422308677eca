import Glibc
import LinuxSystem
import PortModel
import Probe
import Report

/// Tracing for as long as a command runs.
extension Trace {
    /// Of the command's processes, by the number that records give it; nil where there is none.
    static func root(_ pid: Int32?, _ filter: Probe.Filter) throws(SystemError) -> UInt32? {
        if ProcessList.isNumberedAsInRecords { return pid.map(UInt32.init) }
        if !filter.isOnlyCommand { return nil }
        throw SystemError(
            "follow the command", errno: ENOTSUP,
            remedy: "--only needs the host's pid namespace; in a container: --pid=host")
    }

    /// Lets the command start: no connection of it is missed.
    ///
    /// - Returns: why it could not be run, as an errno; nil if it runs.
    func startCommand() -> Int32? { command?.start() }

    /// Enters what exists. Whoever starts a command wants to know what it has to do without.
    mutating func seed() throws(SystemError) {
        guard command != nil, let own = NetworkNamespaces.ownIdentity else {
            return try auditor.seed(&probe, &road)
        }
        var leftovers = Leftovers(of: own)
        try auditor.seed(&probe, &road) { leftovers.see($0) }
        complain(RunText.leftovers(leftovers, at: Clock.monotonic).bytes)
    }

    /// Whether what is ready ends the trace; a command is told of signals instead.
    func isOver(_ ready: [Int32]) -> Bool {
        let isSignalled = ready.contains(signals.descriptor)
        switch command {
        case nil: return isSignalled
        case let command?:
            if isSignalled { command.receive(signals) }
            return ready.contains(command.descriptor)
        }
    }

    /// How the command has ended; waits for that, and passes on what it is sent meanwhile.
    /// Precondition: there is one.
    func awaitCommand() throws(SystemError) -> ChildProcess.Ending {
        switch command {
        case nil: preconditionFailure("no command")
        case let command?:
            while !(try poller.wait(milliseconds: -1)).contains(command.descriptor) {
                command.receive(signals)
            }
            return command.wait()
        }
    }

    func tellSurvivors() {
        guard command != nil else { return }
        let survivors = probe.commandProcesses
        guard !survivors.isEmpty else { return }
        let named = Array(ProcessList.named(survivors).prefix(3))
        complain(RunText.survivors(survivors.count, named: named).bytes)
    }
}
