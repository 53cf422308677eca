import CPortgauge
import Glibc

/// Owns a descriptor that becomes readable when the process is asked to stop (SIGINT, SIGTERM,
/// SIGHUP), which it no longer is killed by.
package struct StopSignals: ~Copyable {
    private let signals: FileDescriptor

    package init() throws(ProbeError) {
        // A reader that goes away is told by EPIPE, a file that is too large by EFBIG.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var set = Self.set
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
        signals = FileDescriptor(
            owning: try check(
                unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK)), "watch signals",
                remedy: "raise the limit of files"))
    }

    package var descriptor: Int32 { signals.raw }

    /// From now on these signals kill the process again, as a second Ctrl-C should.
    package func letKill() {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while unsafe read(signals.raw, &information, size) == size {}
        // A shell may have had them ignored for a job in the background.
        for number in Self.numbers { signal(number, SIG_DFL) }
        var set = Self.set
        unsafe sigprocmask(SIG_UNBLOCK, &set, nil)
    }

    private static let numbers = [SIGINT, SIGTERM, SIGHUP]

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}
