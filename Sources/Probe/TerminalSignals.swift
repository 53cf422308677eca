import CPortgauge
import Glibc

/// Owns a descriptor that becomes readable when the terminal has another size, when somebody wants
/// the process to stop for a while (Ctrl-Z), and when it goes on.
package struct TerminalSignals: ~Copyable {
    private let signals: FileDescriptor

    package struct News: OptionSet, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let resized = News(rawValue: 1)
        package static let stop = News(rawValue: 2)
        package static let goOn = News(rawValue: 4)
    }

    package init() throws(ProbeError) {
        // A job in the background may put its terminal back to what it was.
        signal(SIGTTOU, SIG_IGN)
        var set = Self.set([SIGWINCH, SIGTSTP, SIGCONT])
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
        signals = FileDescriptor(
            owning: try check(
                unsafe signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC)), "watch signals",
                remedy: "raise the limit of files"))
    }

    package var descriptor: Int32 { signals.raw }

    /// What has come since the last call.
    package func take() -> News {
        var news: News = []
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while unsafe read(signals.raw, &information, size) == size {
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
        var set = Self.set([SIGTSTP])
        signal(SIGTSTP, SIG_DFL)
        raise(SIGTSTP)
        unsafe sigprocmask(SIG_UNBLOCK, &set, nil)
        unsafe sigprocmask(SIG_BLOCK, &set, nil)
    }

    private static func set(_ numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}
