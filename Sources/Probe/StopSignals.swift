import CPortgauge
import Glibc

/// Owns a descriptor that becomes readable when the process gets one of some signals, which it no
/// longer is killed by.
package struct StopSignals: ~Copyable {
    private let numbers: [Int32]
    private let signals: FileDescriptor

    /// Those that ask to stop.
    package static let stop = [SIGINT, SIGTERM, SIGHUP]

    /// Those that are for a command: all that somebody may send it. What stops and continues a job is
    /// none of them, as it is for portgauge as well.
    package static let forCommand =
        stop + [SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM] + Array(34...64)

    package init(_ numbers: [Int32] = stop) throws(ProbeError) {
        self.numbers = numbers
        // A reader that goes away is told by EPIPE, a file that is too large by EFBIG.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        var set = Self.set(numbers)
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
        signals = FileDescriptor(
            owning: try check(
                unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC)),
                "watch signals", remedy: "raise the limit of files"))
    }

    package var descriptor: Int32 { signals.raw }

    /// One that has come.
    package struct Arrival: Sendable {
        package let number: Int32
        /// Who has sent it; nil if it was the kernel: what a terminal sends, it sends to the whole
        /// process group.
        package let sender: Int32?
    }

    /// The next that has come; nil without any.
    package func next() -> Arrival? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        guard unsafe read(signals.raw, &information, size) == size else { return nil }
        // SI_USER, SI_QUEUE, SI_TKILL, a timer: what the kernel sends by itself is above 0.
        return Arrival(
            number: Int32(bitPattern: information.ssi_signo),
            sender: information.ssi_code <= 0 ? Int32(bitPattern: information.ssi_pid) : nil)
    }

    /// From now on these signals kill the process again, as a second Ctrl-C should.
    package func letKill() {
        while next() != nil {}
        // A shell may have had them ignored for a job in the background.
        for number in numbers { signal(number, SIG_DFL) }
        var set = Self.set(numbers)
        unsafe sigprocmask(SIG_UNBLOCK, &set, nil)
    }

    private static func set(_ numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}
