import Glibc

/// A file that is written as a whole or not at all: beside it at first, and then put in its place. What is
/// no regular file, such as a pipe or `/dev/null`, is written to.
package struct WholeFile: Sendable {
    private let path: String
    private let isReplaced: Bool

    /// Looks whether it can be written, so that nobody learns that only at the end.
    package init(_ path: String) throws(ProbeError) {
        var status = stat()
        if unsafe stat(path, &status) == 0 {
            let type = status.st_mode & S_IFMT
            if type == S_IFDIR {
                throw ProbeError(
                    "write \(path)", errno: EISDIR, remedy: "it is a directory: name a file")
            }
            isReplaced = type == S_IFREG
            // A link stays what it is.
            self.path = isReplaced ? Self.resolved(path) : path
        } else {
            isReplaced = true
            self.path = path
        }
        let place = isReplaced ? Self.folder(of: self.path) : self.path
        try check(
            unsafe faccessat(AT_FDCWD, place, W_OK, AT_EACCESS), "write \(path)",
            remedy: "check that its directory is there and can be written to")
    }

    /// Writes all of it, for as long as it takes.
    package func write(_ bytes: [UInt8]) throws(ProbeError) {
        guard isReplaced else {
            let raw = unsafe open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
            try check(raw, "write \(path)", remedy: "check where it goes")
            return try put(bytes, to: FileDescriptor(owning: raw))
        }
        let draft = "\(path).\(getpid()).part"
        let raw = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o666)
        try check(
            raw, "write \(path)",
            remedy: "check that its directory is there and can be written to")
        do throws(ProbeError) {
            try put(bytes, to: FileDescriptor(owning: raw))
            try check(
                unsafe rename(draft, path), "write \(path)",
                remedy: "check that it can be replaced")
        } catch {
            unsafe unlink(draft)
            throw error
        }
    }

    private func put(_ bytes: [UInt8], to file: borrowing FileDescriptor) throws(ProbeError) {
        var written = 0
        while written < bytes.count {
            let descriptor = file.raw
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(
                    descriptor, $0.baseAddress.map { unsafe $0 + written }, $0.count - written)
            }
            if count < 0, errno == EINTR { continue }
            try check(
                Int32(clamping: count), "write \(path)",
                remedy: "free some space, and make the report again")
            written += count
        }
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func resolved(_ path: String) -> String {
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}
