import Glibc

/// A file that is written as a whole or not at all: beside it at first, and then put in its place. A
/// pipe, `/dev/null` and all else that is no regular file is written to.
package struct WholeFile: Sendable {
    private let path: String
    private let isReplaced: Bool

    /// Looks whether it can be written, so that nobody learns that only at the end.
    package init(_ path: String) throws(SystemError) {
        let type = KernelFiles.status(path).map { $0.st_mode & S_IFMT }
        if type == S_IFDIR {
            throw SystemError(
                "write \(path)", errno: EISDIR, remedy: "it is a directory: name a file")
        }
        isReplaced = type == nil || type == S_IFREG
        // A link stays what it is.
        self.path = isReplaced ? Self.resolved(path) : path
        let place = isReplaced ? Self.folder(of: self.path) : self.path
        try check("write \(path)", remedy: Self.remedy) {
            // SAFETY: Swift lends the path with its NUL; the same of the calls below.
            unsafe faccessat(AT_FDCWD, place, W_OK, AT_EACCESS)
        }
    }

    private static let remedy = "check that its directory is there and can be written to"

    /// Writes all of it, for as long as it takes.
    package func write(_ bytes: [UInt8]) throws(SystemError) {
        guard isReplaced else {
            return try put(
                bytes,
                to: FileDescriptor(
                    opening: path, O_WRONLY | O_NOCTTY, to: "write", remedy: "check where it goes"))
        }
        let draft = "\(path).\(getpid()).part"
        let file = try FileDescriptor(
            opening: draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, to: "write", as: path,
            remedy: Self.remedy)
        do throws(SystemError) {
            try put(bytes, to: file)
            try check("write \(path)", remedy: "check that it can be replaced") {
                unsafe rename(draft, path)
            }
        } catch {
            unsafe unlink(draft)
            throw error
        }
    }

    private func put(_ bytes: [UInt8], to file: borrowing FileDescriptor) throws(SystemError) {
        try file.write(
            bytes, "write \(path)", remedy: "free some space, and make the report again")
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// `path` itself if nothing is there yet.
    private static func resolved(_ path: String) -> String {
        // SAFETY: realpath() returns a string of its own, which is freed after it was copied.
        guard let real = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(real) }
        return unsafe String(cString: real)
    }
}
