import Glibc

/// Standard output that never blocks: what the reader does not take in time is dropped, whole
/// lines of it, and counted. Counting connections does not depend on anybody reading.
package struct Output: ~Copyable {
    private enum Kind { case file, stream, socket }

    /// Standard output itself, or a descriptor of our own for it: O_NONBLOCK on a shared one would
    /// change it for the shell and for everybody else who writes there.
    private let descriptor: Int32
    private let reopened: FileDescriptor?
    private let kind: Kind

    private var pending: [UInt8] = []
    private var written = 0
    private var blocked = false
    /// What was written last is the beginning of a line whose rest was dropped.
    private var isInLine = false
    private var lastDrop: Int32?
    /// Lines that were dropped because the reader was too slow, or the disk full.
    package private(set) var dropped = 0

    /// What may wait for the reader, in bytes.
    private static let limit = 1 << 20
    private static let chunk = 1 << 16

    /// To be thrown when `pollable` is ready while nothing is waiting.
    package static let readerGone = ProbeError(
        "write standard output", errno: EPIPE,
        remedy: "its reader has gone: to see only the beginning, use --duration")

    package init() throws(ProbeError) {
        var status = stat()
        try check(
            unsafe fstat(STDOUT_FILENO, &status), "write standard output",
            remedy: "it is closed: give it a terminal, a file or a pipe")
        switch status.st_mode & S_IFMT {
        case S_IFSOCK: kind = .socket
        case S_IFIFO: kind = .stream
        // Of the devices only a terminal makes its writers wait.
        default: kind = isatty(STDOUT_FILENO) == 1 ? .stream : .file
        }
        var own: Int32 = -1
        if kind == .stream {
            own = unsafe open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        }
        reopened = own >= 0 ? FileDescriptor(owning: own) : nil
        descriptor = own >= 0 ? own : STDOUT_FILENO
        pending.reserveCapacity(2 * Self.chunk)
    }

    /// True while something waits for the reader: `descriptor` becomes writable when it can go on.
    package var isWaiting: Bool { pending.count > written }

    /// To be polled for writing while `isWaiting`; nil for a file, which is always ready.
    package var pollable: Int32? { kind == .file ? nil : descriptor }

    /// Takes over a line, or several if each ends with a newline, to be written by `flush`.
    ///
    /// - Parameter always: not dropped, however much is waiting.
    package mutating func append(_ lines: [UInt8], always: Bool = false) throws(ProbeError) {
        if pending.count - written > Self.chunk, !blocked { try flush() }
        if !always, pending.count - written + lines.count > Self.limit {
            dropped += lines.count { $0 == UInt8(ascii: "\n") }
            return
        }
        if isInLine { pending.append(UInt8(ascii: "\n")) }
        isInLine = false
        pending.append(contentsOf: lines)
    }

    /// Writes what can be written without waiting.
    package mutating func flush() throws(ProbeError) {
        blocked = false
        while written < pending.count {
            let count = unsafe pending.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return kind == .socket
                    ? unsafe send(descriptor, rest.baseAddress, rest.count, Int32(MSG_DONTWAIT))
                    : unsafe write(descriptor, rest.baseAddress, rest.count)
            }
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                blocked = true
                break
            } else if errno == ENOSPC || errno == EDQUOT || errno == EFBIG {
                dropped += pending[written...].count { $0 == UInt8(ascii: "\n") }
                lastDrop = errno
                isInLine = written > 0 && pending[written - 1] != UInt8(ascii: "\n")
                written = pending.count
            } else if errno != EINTR {
                throw errno == EPIPE
                    ? Self.readerGone
                    : ProbeError(
                        "write standard output", errno: errno, remedy: "check where it goes")
            }
        }
        if written == pending.count {
            pending.removeAll(keepingCapacity: true)
            written = 0
        } else if written > Self.limit / 2 {
            pending.removeFirst(written)
            written = 0
        }
    }

    /// Writes everything, for as long as the reader takes. Throws if not all could be written.
    package mutating func finish() throws(ProbeError) {
        lastDrop = nil
        try flush()
        while isWaiting {
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            _ = unsafe poll(&ready, 1, -1)
            try flush()
        }
        if let lastDrop {
            throw ProbeError("write standard output", errno: lastDrop, remedy: "free some space")
        }
    }
}
