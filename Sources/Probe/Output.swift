import Glibc

/// Standard output, or another, that never blocks: what the reader does not take in time is dropped, whole
/// lines of it, and counted. Counting connections does not depend on anybody reading.
package struct Output: ~Copyable {
    private enum Kind {
        case file, stream, socket
        /// A stream that we may not open again, so that only a poll tells whether it would block.
        case borrowedStream
    }

    /// What it is called in an error.
    private let name: String
    /// What was given, or a descriptor of our own for it: O_NONBLOCK on a shared one would
    /// change it for the shell and for everybody else who writes there.
    private let descriptor: Int32
    private let owned: FileDescriptor?
    private let kind: Kind
    /// What to do when there is no space for the end of it.
    private let ifFull: String

    private var pending: [UInt8] = []
    private var written = 0
    private var blocked = false
    /// What was written last is not the end of a line.
    private var isInLine = false
    /// Why the last `flush` found no space.
    private var full: Int32?
    /// Lines that were dropped because the reader was too slow, or the disk full.
    package private(set) var dropped = 0

    /// What may wait for the reader, in bytes.
    private static let limit = 1 << 20
    private static let chunk = 1 << 16
    private static let newline = UInt8(ascii: "\n")

    /// To be thrown when `pollable` is ready while nothing is waiting.
    package var readerGone: ProbeError {
        ProbeError(
            "write \(name)", errno: EPIPE,
            remedy: "its reader has gone: to see only the beginning, use --duration")
    }

    /// - Parameters:
    ///   - standard: to be written to; it is not closed.
    ///   - ifFull: what to do when there is no space for the end of it.
    package init(
        _ standard: Int32 = STDOUT_FILENO, name: String = "standard output",
        ifFull: String = "the summary is missing: free some space and trace again"
    ) throws(ProbeError) {
        self.name = name
        self.ifFull = ifFull
        var status = stat()
        try check(
            unsafe fstat(standard, &status), "write \(name)",
            remedy: "it is closed: give it a terminal, a file or a pipe")
        var own: Int32 = -1
        let type = status.st_mode & S_IFMT
        // Of the devices only a terminal makes its writers wait.
        if type == S_IFIFO || isatty(standard) == 1 {
            own = unsafe open(
                "/proc/self/fd/\(standard)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
            kind = own >= 0 ? .stream : .borrowedStream
        } else {
            kind = type == S_IFSOCK ? .socket : .file
        }
        owned = own >= 0 ? FileDescriptor(owning: own) : nil
        descriptor = own >= 0 ? own : standard
        pending.reserveCapacity(2 * Self.chunk)
    }

    /// A file, which is made, or emptied.
    package init(creating path: String, ifFull: String) throws(ProbeError) {
        name = path
        self.ifFull = ifFull
        // A pipe that nobody reads is refused, rather than waited for.
        let raw = unsafe open(
            path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0o666)
        try check(
            raw, "write \(path)",
            remedy: errno == ENXIO
                ? "nobody reads that pipe: start its reader first"
                : "check that its directory is there and can be written to")
        owned = FileDescriptor(owning: raw)
        descriptor = raw
        var status = stat()
        // It is open, so there is nothing that could go wrong.
        unsafe fstat(raw, &status)
        kind = status.st_mode & S_IFMT == S_IFIFO || isatty(raw) == 1 ? .stream : .file
        pending.reserveCapacity(2 * Self.chunk)
    }

    /// Removes the file that it has made, after which nothing is to be written.
    package func remove() {
        if owned != nil, kind == .file { unsafe unlink(name) }
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
            dropped += lines.count { $0 == Self.newline }
            return
        }
        pending.append(contentsOf: lines)
    }

    /// Writes what can be written without waiting.
    package mutating func flush() throws(ProbeError) {
        blocked = false
        full = nil
        while written < pending.count {
            let count = unsafe pending.withUnsafeBytes { bytes in
                unsafe put(UnsafeRawBufferPointer(rebasing: bytes[written...]))
            }
            if count > 0 {
                written += count
                isInLine = pending[written - 1] != Self.newline
            } else if errno == EAGAIN {
                blocked = true
                break
            } else if errno == ENOSPC || errno == EDQUOT || errno == EFBIG {
                full = errno
                dropWaiting()
                break
            } else if errno != EINTR {
                throw errno == EPIPE
                    ? readerGone
                    : ProbeError(
                        "write \(name)", errno: errno, remedy: "check where it goes")
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

    /// As write() does with O_NONBLOCK.
    private func put(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch kind {
        case .file, .stream: return unsafe write(descriptor, bytes.baseAddress, bytes.count)
        case .socket:
            return unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
        case .borrowedStream:
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&ready, 1, 0) == 0 {
                errno = EAGAIN
                return -1
            }
            // A pipe that can be written to takes this much.
            return unsafe write(descriptor, bytes.baseAddress, min(bytes.count, Int(PIPE_BUF)))
        }
    }

    /// All but the rest of a line that is begun: there may be space for it later, and a line is
    /// written as a whole or not at all.
    private mutating func dropWaiting() {
        var kept = written
        if isInLine, let end = pending[written...].firstIndex(of: Self.newline) { kept = end + 1 }
        dropped += pending[kept...].count { $0 == Self.newline }
        pending.removeSubrange(kept...)
    }

    /// Writes everything, for as long as the reader takes. Throws if there is no space for it.
    package mutating func finish() throws(ProbeError) {
        try flush()
        var patience: Int32 = 1000
        while isWaiting, full == nil {
            var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            if unsafe poll(&ready, 1, patience) == 0 {
                patience = -1
                // Whoever stopped a terminal knows; and a log needs no advice.
                if isatty(descriptor) == 0, isatty(STDERR_FILENO) == 1 {
                    complain("the summary waits for its reader; Ctrl-C ends without it")
                }
            }
            try flush()
        }
        if let full {
            throw ProbeError(
                "write \(name)", errno: full, remedy: ifFull)
        }
    }
}
