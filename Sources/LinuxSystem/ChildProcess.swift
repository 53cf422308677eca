import CPortgauge
import Glibc

/// Owns a process that waits to become a command, then is one.
///
/// It is made before portgauge changes anything of itself, and so has all that portgauge was started
/// with: environment, rights, descriptors, signals, process group and terminal. Nothing of it depends
/// on portgauge once it runs; if portgauge ends before, so does it.
package struct ChildProcess: ~Copyable {
    /// Numbered as in this pid namespace.
    package let pid: Int32
    private let process: FileDescriptor
    private let channel: FileDescriptor

    /// How a process has ended.
    package enum Ending: Equatable, Sendable {
        /// With this status, 0 to 255.
        case exited(UInt8)
        /// By this signal.
        case killed(Int32)
    }

    /// - Parameter index: the command's among the arguments of this process; its own follow.
    package init(argumentsFrom index: Int) throws(SystemError) {
        precondition((1..<Int(CommandLine.argc)).contains(index))
        var raw: Int32 = -1
        let pid = try check(
            "start a process", remedy: "raise the limit of processes or of open files"
        ) {
            // SAFETY: the C library's own arguments, which end with a null pointer: bytes that are no
            // UTF-8 stay as they are.
            unsafe pg_fork_waiting(CommandLine.unsafeArgv + index, &raw)
        }
        let channel = FileDescriptor(owning: raw)
        // Ignored, it would keep from us how the command ended.
        signal(SIGCHLD, SIG_DFL)
        process = FileDescriptor(
            owning: try check("watch the command", remedy: "portgauge needs Linux 5.10") {
                pg_open_process(pid)
            })
        self.pid = pid
        self.channel = channel
    }

    /// Becomes readable when it has ended.
    package var descriptor: Int32 { process.raw }

    /// Lets it be the command, and returns when it is.
    ///
    /// - Returns: why it could not be, as an errno; nil if it is, or was killed before.
    package func start() -> Int32? {
        var go: UInt8 = 1
        // SAFETY: each call transfers exactly the one variable that it is lent.
        guard unsafe send(channel.raw, &go, 1, Int32(MSG_NOSIGNAL)) == 1 else { return nil }
        var refusal: Int32 = 0
        let size = MemoryLayout<Int32>.size
        let count = retrying { unsafe recv(channel.raw, &refusal, size, 0) }
        return count == size ? refusal : nil
    }

    /// Hands on the signals that have come: not those of the terminal, which it has got as well, nor
    /// those that it has sent itself. It has not been waited for.
    package func receive(_ signals: borrowing StopSignals) {
        while let signal = signals.next() {
            if let sender = signal.sender, sender != pid { kill(pid, signal.number) }
        }
    }

    /// Waits for its end. To be called once.
    package func wait() -> Ending {
        var status: Int32 = 0
        // SAFETY: the kernel writes the status and nothing else.
        _ = retrying { unsafe waitpid(pid, &status, 0) }
        let signal = status & 0x7f
        return signal == 0
            ? .exited(UInt8(truncatingIfNeeded: status >> 8)) : .killed(signal)
    }
}

/// Gives standard input, output and error something to lead to, where they are closed: else the next
/// file would take their place.
package func keepStandardDescriptors() throws(SystemError) {
    while true {
        let raw = try check("open /dev/null", remedy: "mount /dev") {
            // SAFETY: Swift lends the path with its NUL.
            unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        }
        if raw > STDERR_FILENO {
            close(raw)
            return
        }
    }
}

/// To be called just before the end: from now on the kernel takes its time to detach the hooks while
/// another process waits for that, and not whoever waits for this one.
package func leaveHooksBehind() { pg_leave_hooks_behind() }
