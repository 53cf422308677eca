import Glibc

/// Standard output, or another, that never blocks: lines that the reader does not take in time are
/// dropped as a whole, and counted. Counting connections does not depend on anybody reading.
package struct Output: ~Copyable {
    private enum Kind {
        case file, stream, socket
        /// A stream that we may not open again, so that only a poll tells whether it would block.
        case borrowedStream
    }

    /// Its name in an error.
    private let name: String
    /// The given one, or one of our own for the same file: O_NONBLOCK on a shared one would change it
    /// for the shell and for everybody else who writes there.
    private let descriptor: Int32
    private let owned: FileDescriptor?
    private let kind: Kind
    /// The remedy when there is no space for the end of it.
    private let ifFull: String

    private var pending: [UInt8] = []
    private var written = 0
    private var blocked = false
    /// The last byte written is not the end of a line.
    private var isInLine = false
    /// The errno of the last `flush` if it found no space.
    private var full: Int32?
    /// Lines that were dropped because the reader was too slow, or the disk full.
    package private(set) var dropped = 0

    /// Bytes that may wait for the reader.
    private static let limit = 1 << 20
    private static let chunk = 1 << 16
    private static let newline = UInt8(ascii: "\n")

    /// To be thrown when `pollable` is ready while nothing is waiting.
    package var readerGone: SystemError {
        SystemError(
            "write \(name)", errno: EPIPE,
            remedy: "its reader has gone: to see only the beginning, use --duration")
    }

    /// - Parameters:
    ///   - standard: to be written to; it is not closed.
    ///   - ifFull: the remedy when there is no space for the end of it.
    package init(
        _ standard: Int32 = STDOUT_FILENO, name: String = "standard output",
        ifFull: String = "the summary is missing: free some space and trace again"
    ) throws(SystemError) {
        guard let type = Self.type(of: standard) else {
            throw SystemError(
                "write \(name)", errno: errno,
                remedy: "it is closed: give it a terminal, a file or a pipe")
        }
        // Only a terminal makes its writers wait among the devices.
        let mayBlock = type == S_IFIFO || isatty(standard) == 1
        if mayBlock,
            let own = try? FileDescriptor(
                opening: "/proc/self/fd/\(standard)", O_WRONLY | O_NONBLOCK | O_NOCTTY)
        {
            self.init(name, own.raw, .stream, ifFull, owned: own)
        } else {
            let kind: Kind = mayBlock ? .borrowedStream : type == S_IFSOCK ? .socket : .file
            self.init(name, standard, kind, ifFull, owned: nil)
        }
    }

    /// Makes a file, or empties it.
    package init(creating path: String, ifFull: String) throws(SystemError) {
        // A pipe that nobody reads is refused, rather than waited for.
        let file = try FileDescriptor(
            opening: path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY, to: "write",
            remedy: errno == ENXIO
                ? "nobody reads that pipe: start its reader first"
                : "check that its directory is there and can be written to")
        let raw = file.raw
        let mayBlock = Self.type(of: raw) == S_IFIFO || isatty(raw) == 1
        self.init(path, raw, mayBlock ? .stream : .file, ifFull, owned: file)
    }

    /// Takes over all of it at once: where a throwing initialiser assigned `owned` by itself, unoptimised
    /// code of Swift 6.3.1 first destroyed what was not there yet, and closed descriptor 0.
    private init(
        _ name: String, _ descriptor: Int32, _ kind: Kind, _ ifFull: String,
        owned: consuming FileDescriptor?
    ) {
        self.owned = owned
        self.name = name
        self.descriptor = descriptor
        self.kind = kind
        self.ifFull = ifFull
        pending.reserveCapacity(2 * Self.chunk)
    }

    /// The type, such as S_IFIFO; nil if the descriptor is closed.
    private static func type(of descriptor: Int32) -> mode_t? {
        var status = stat()
        // SAFETY: the kernel fills the structure and nothing else.
        return unsafe fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// Removes the file that it has made, after which nothing is to be written.
    package func remove() {
        // SAFETY: Swift lends the path with its NUL.
        if owned != nil, kind == .file { unsafe unlink(name) }
    }

    /// True while something waits for the reader: `descriptor` becomes writable when it can go on.
    package var isWaiting: Bool { pending.count > written }

    /// To be polled for writing while `isWaiting`; nil for a file, which is always ready.
    package var pollable: Int32? { kind == .file ? nil : descriptor }

    /// Takes over a line, or several if each ends with a newline, to be written by `flush`.
    ///
    /// - Parameter always: not dropped, however much is waiting.
    package mutating func append(_ lines: [UInt8], always: Bool = false) throws(SystemError) {
        if pending.count - written > Self.chunk, !blocked { try flush() }
        if !always, pending.count - written + lines.count > Self.limit {
            dropped += lines.count { $0 == Self.newline }
            return
        }
        pending.append(contentsOf: lines)
    }

    /// Writes as much as can be written without waiting.
    package mutating func flush() throws(SystemError) {
        blocked = false
        full = nil
        while written < pending.count {
            // SAFETY: the bytes are lent for the length of the call, which reads within them.
            let count = retrying {
                unsafe pending.withUnsafeBytes { bytes in
                    unsafe put(UnsafeRawBufferPointer(rebasing: bytes[written...]))
                }
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
            } else {
                throw errno == EPIPE
                    ? readerGone
                    : SystemError("write \(name)", errno: errno, remedy: "check where it goes")
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

    /// Writes, or returns -1 with an errno, as write() does with O_NONBLOCK.
    private func put(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch kind {
        case .file, .stream: return unsafe write(descriptor, bytes.baseAddress, bytes.count)
        case .socket:
            return unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT))
        case .borrowedStream:
            if !isWritable(within: 0) {
                errno = EAGAIN
                return -1
            }
            // A pipe that can be written to takes this much.
            return unsafe write(descriptor, bytes.baseAddress, min(bytes.count, Int(PIPE_BUF)))
        }
    }

    /// Drops all but the rest of a line that is begun: there may be space for it later, and a line is
    /// written as a whole or not at all.
    private mutating func dropWaiting() {
        var kept = written
        if isInLine, let end = pending[written...].firstIndex(of: Self.newline) { kept = end + 1 }
        dropped += pending[kept...].count { $0 == Self.newline }
        pending.removeSubrange(kept...)
    }

    /// Writes everything, for as long as the reader takes. Throws if there is no space for it.
    package mutating func finish() throws(SystemError) {
        try flush()
        var patience: Int32 = 1000
        while isWaiting, full == nil {
            if !isWritable(within: patience) {
                patience = -1
                // Whoever stopped a terminal knows; and a log needs no advice.
                if isatty(descriptor) == 0, isatty(STDERR_FILENO) == 1 {
                    complain("the summary waits for its reader; Ctrl-C ends without it")
                }
            }
            try flush()
        }
        if let full { throw SystemError("write \(name)", errno: full, remedy: ifFull) }
    }

    /// Whether the descriptor is ready, or broken, within so many milliseconds; -1: no limit.
    private func isWritable(within milliseconds: Int32) -> Bool {
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // SAFETY: the one structure that poll() is told of.
        return unsafe poll(&ready, 1, milliseconds) != 0
    }
}
