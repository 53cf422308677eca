import CPortgauge
import Glibc

/// Owns a descriptor that becomes readable when the process gets one of some signals, which it is
/// no longer killed or stopped by.
struct SignalQueue: ~Copyable {
    let descriptor: FileDescriptor

    init(_ numbers: [Int32]) throws(SystemError) {
        mask(SIG_BLOCK, numbers)
        var set = signalSet(numbers)
        descriptor = FileDescriptor(
            owning: try check("watch signals", remedy: "raise the limit of files") {
                // SAFETY: the kernel copies the set during the call.
                unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
            })
    }

    /// The next that has come; nil without any.
    func next() -> signalfd_siginfo? {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        // SAFETY: the kernel writes the structure as a whole or not at all.
        guard unsafe read(descriptor.raw, &information, size) == size else { return nil }
        return information
    }
}

private func signalSet(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    // SAFETY: the C library writes the set and nothing else; the same of `mask`, which reads it.
    unsafe sigemptyset(&set)
    for number in numbers { unsafe sigaddset(&set, number) }
    return set
}

/// Blocks or unblocks signals, in this thread and those that it starts.
private func mask(_ how: Int32, _ numbers: [Int32]) {
    var set = signalSet(numbers)
    unsafe sigprocmask(how, &set, nil)
}

/// Owns the signals that ask this process to stop, or that are meant for its command.
package struct StopSignals: ~Copyable {
    private let numbers: [Int32]
    private let queue: SignalQueue

    /// Signals that ask to stop.
    package static let stop = [SIGINT, SIGTERM, SIGHUP]

    /// All that somebody may send to a command; not those that stop and continue a job, which do
    /// the same to portgauge.
    package static let forCommand =
        stop + [SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM] + Array(34...64)

    package init(_ numbers: [Int32] = stop) throws(SystemError) {
        self.numbers = numbers
        // EPIPE says that a reader has gone, EFBIG that a file is too large.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
        queue = try SignalQueue(numbers)
    }

    package var descriptor: Int32 { queue.descriptor.raw }

    package struct Arrival: Sendable {
        package let number: Int32
        /// PID of the sender; nil if it was the kernel: a terminal's signals go to the whole process
        /// group.
        package let sender: Int32?
    }

    /// The next that has come; nil without any.
    package func next() -> Arrival? {
        queue.next().map {
            // SI_USER, SI_QUEUE, SI_TKILL, a timer: the kernel's own codes are above 0.
            Arrival(
                number: Int32(bitPattern: $0.ssi_signo),
                sender: $0.ssi_code <= 0 ? Int32(bitPattern: $0.ssi_pid) : nil)
        }
    }

    /// Lets these signals kill the process again, as a second Ctrl-C should.
    package func letKill() {
        while next() != nil {}
        // A shell may have had them ignored for a job in the background.
        for number in numbers { signal(number, SIG_DFL) }
        mask(SIG_UNBLOCK, numbers)
    }
}

/// Owns the signals of a terminal: it has another size, somebody wants the process to stop for a
/// while (Ctrl-Z), and it goes on.
package struct TerminalSignals: ~Copyable {
    private let queue: SignalQueue

    package struct News: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let resized = News(rawValue: 1)
        package static let stop = News(rawValue: 2)
        package static let goOn = News(rawValue: 4)
    }

    package init() throws(SystemError) {
        // A job in the background may put its terminal back to what it was.
        signal(SIGTTOU, SIG_IGN)
        queue = try SignalQueue([SIGWINCH, SIGTSTP, SIGCONT])
    }

    package var descriptor: Int32 { queue.descriptor.raw }

    /// All that has come since the last call.
    package func take() -> News {
        var news: News = []
        while let information = queue.next() {
            switch Int32(information.ssi_signo) {
            case SIGWINCH: news.insert(.resized)
            case SIGTSTP: news.insert(.stop)
            case SIGCONT: news.insert(.goOn)
            default: break
            }
        }
        return news
    }

    /// Stops the process, as Ctrl-Z does where nobody minds. Returns when it goes on; at once if it
    /// has no shell that could have it go on.
    package func stop() {
        signal(SIGTSTP, SIG_DFL)
        raise(SIGTSTP)
        mask(SIG_UNBLOCK, [SIGTSTP])
        mask(SIG_BLOCK, [SIGTSTP])
    }
}

/// The name of a signal, such as `SIGTERM`.
package func signalName(_ number: Int32) -> String {
    // SAFETY: the table is the C library's and immortal.
    guard let name = unsafe pg_signal_name(number) else { return "signal \(number)" }
    return unsafe "SIG" + String(cString: name)
}

/// Ends this process by a signal, as if it had met it itself; without another core dump.
package func dieBy(signal number: Int32) -> Never {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    // SAFETY: the kernel copies the limit during the call.
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    signal(number, SIG_DFL)
    kill(getpid(), number)
    mask(SIG_UNBLOCK, [number])
    // The first process of a container survives it.
    exit(128 + number)
}
