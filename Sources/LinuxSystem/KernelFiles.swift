import Glibc

/// Looks into folders and files that come and go, as those of /proc do: nothing is found where
/// nothing may be seen.
enum KernelFiles {
    /// Calls `body` with a descriptor of a folder and, NUL-terminated, each name in it, which is any
    /// bytes: as a String it might no longer be found.
    static func eachEntry(of folder: String, _ body: (Int32, [CChar]) -> Void) {
        // SAFETY: the directory is open until the end; an entry's name is NUL-terminated, and lives until
        // the next readdir(): it is copied.
        guard let directory = unsafe opendir(folder) else { return }
        defer { unsafe closedir(directory) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe $0.prefix { $0 != 0 }.map { CChar(bitPattern: $0) }
            }
            unsafe body(dirfd(directory), name + [0])
        }
    }

    /// Names in a folder, but for those that begin with a dot.
    static func entries(of folder: String) -> [String] {
        var names: [String] = []
        eachEntry(of: folder) { _, name in
            if name.first != CChar(UInt8(ascii: ".")) { names.append(text(name)) }
        }
        return names
    }

    /// - Parameter name: NUL-terminated.
    static func text(_ name: [CChar]) -> String {
        String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// PIDs of all processes, in rising order.
    static var processes: [UInt32] { entries(of: "/proc").compactMap { UInt32($0) }.sorted() }

    /// - Parameter path: NUL-terminated; relative to `folder`.
    static func status(_ path: [CChar], in folder: Int32 = AT_FDCWD) -> stat? {
        var status = stat()
        // SAFETY: the kernel writes one `stat`, which any bytes are a value of.
        return unsafe fstatat(folder, path, &status, 0) == 0 ? status : nil
    }

    static func status(_ path: String) -> stat? { status(Array(path.utf8CString)) }

    /// The number in a link such as `net:[4026531840]`.
    ///
    /// - Parameter path: NUL-terminated; relative to `folder`.
    static func number(
        _ kind: String, inLink path: [CChar], in folder: Int32 = AT_FDCWD
    ) -> UInt32? {
        var target = [CChar](repeating: 0, count: 64)
        // SAFETY: the kernel writes within the array.
        let count = unsafe readlinkat(folder, path, &target, target.count)
        guard count > 0 else { return nil }
        return number(kind, in: target[..<count].map { UInt8(bitPattern: $0) }[...])
    }

    /// Reads `socket:[12345]` or, of another kind, `net:[12345]`.
    static func number(_ kind: String, in text: ArraySlice<UInt8>) -> UInt32? {
        let head = kind.utf8.count + 2
        guard text.starts(with: "\(kind):[".utf8), text.last == UInt8(ascii: "]") else {
            return nil
        }
        let digits = text.dropFirst(head).dropLast()
        guard digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }

    /// The first `limit` bytes of a file; nil if it cannot be opened.
    static func bytes(_ path: String, limit: Int) -> ArraySlice<UInt8>? {
        guard let file = try? FileDescriptor(opening: path) else { return nil }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit, 1 << 16))
        while bytes.count < limit, case let count = file.read(into: &chunk), count > 0 {
            bytes += chunk.prefix(count)
        }
        return bytes.prefix(limit)
    }

    static func text(_ path: String, limit: Int) -> String? {
        bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }
}
