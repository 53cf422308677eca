import Glibc
import LinuxSystem
import PortModel
import Probe
import Report

/// Waits until nothing of the network namespace is in TIME_WAIT any more, before a command starts.
package struct CleanWait: ~Copyable {
    package enum Result {
        case clean
        case late(Leftovers)
        /// Somebody has ended what was to be the command.
        case commandEnded
    }

    private var probe: Probe
    private let poller: Poller
    private let signals: StopSignals
    private let own: NetworkNamespaces.Found
    private let netns: UInt32
    private let drawsProgress = Terminal.showsErrors

    /// - Parameter filter: of its kinds only the destinations count, since a TIME_WAIT has no process.
    package init(_ filter: Probe.Filter) throws(SystemError) {
        var remotes = Probe.Filter()
        remotes.remotes = filter.remotes
        guard let inode = NetworkNamespaces.own, let netns = NetworkNamespaces.ownIdentity else {
            throw SystemError("read /proc/self/ns/net", errno: ENOENT, remedy: "mount /proc")
        }
        let signals = try StopSignals(StopSignals.forCommand)
        let poller = try Poller()
        let probe = try Probe(lookingFor: remotes)
        self.signals = signals
        self.poller = poller
        self.probe = probe
        self.netns = netns
        own = NetworkNamespaces.Found(inode: inode, pid: UInt32(getpid()))
    }

    /// - Parameter limit: seconds.
    package mutating func wait(
        for command: borrowing ChildProcess, limit: Int
    ) throws(SystemError) -> Result {
        try poller.watch(signals.descriptor, for: .readable)
        try poller.watch(command.descriptor, for: .readable)
        let deadline = Clock.monotonic + UInt64(limit) * 1_000_000_000
        var most = 0
        while true {
            var leftovers = Leftovers(of: netns)
            _ = try probe.snapshot(of: [own], rounds: 1) { leftovers.see($0) }
            let now = Clock.monotonic
            if leftovers.timeWaits == 0 {
                if drawsProgress, most > 0 { complain(Self.blank) }
                return .clean
            }
            if drawsProgress {
                let total = max(most, leftovers.timeWaits)
                let share = Double(total - leftovers.timeWaits) / Double(total)
                complain(Self.blank + RunText.progress(leftovers, share: share, at: now).bytes)
            } else if most == 0 {
                complain(RunText.waiting(leftovers, limit: limit, at: now).bytes)
            }
            most = max(most, leftovers.timeWaits)
            if now >= deadline {
                if drawsProgress { complain(Self.blank) }
                return .late(leftovers)
            }
            let ready = try poller.wait(milliseconds: 500)
            if ready.contains(signals.descriptor) { command.receive(signals) }
            if ready.contains(command.descriptor) { return .commandEnded }
        }
    }

    /// To the beginning of the line, which is cleared.
    private static let blank = Array("\r\u{1b}[K".utf8)
}
