import Glibc
import PortModel

/// The processes of this host, as far as /proc shows them to this one.
package struct ProcessList: Sendable {
    /// By their pids, in the pid namespace that /proc was mounted in.
    package private(set) var processes: [ProcessID] = []

    package init() {
        for pid in NetworkNamespaces.entries(of: "/proc").compactMap({ UInt32($0) }).sorted() {
            guard let name = Self.name(of: pid) else { continue }
            processes.append(ProcessID(pid: pid, name: name))
        }
    }

    /// Whether processes are numbered here as records number them.
    package static var isNumberedAsInRecords: Bool {
        var status = stat()
        // PROC_PID_INIT_INO: the first pid namespace of every kernel.
        return unsafe stat("/proc/self/ns/pid", &status) == 0 && status.st_ino == 0xEFFF_FFFC
    }

    /// Those of these pids that are there, by their pids.
    package static func named(_ pids: Set<UInt32>) -> [ProcessID] {
        pids.sorted().compactMap { pid in
            name(of: pid).map { ProcessID(pid: pid, name: $0) }
        }
    }

    /// Inode number of the network namespace that a process is in; nil if it may not be seen.
    package static func netns(of process: ProcessID) -> UInt32? {
        NetworkNamespaces.link("/proc/\(process.pid)/ns/net")
    }

    /// Who has these sockets open, by inode number, whatever network namespace they are in; of several
    /// processes that share one, such as a server and its workers, the one with the lowest pid.
    ///
    /// - Parameter inodes: of sockets; 0 is none.
    package func owners(of inodes: Set<UInt32>) -> [UInt32: ProcessID] {
        var owners: [UInt32: ProcessID] = [:]
        var missing = inodes
        missing.remove(0)
        for process in processes where !missing.isEmpty {
            Self.eachSocket(of: process.pid) { inode in
                if missing.remove(inode) != nil { owners[inode] = process }
            }
        }
        return owners
    }

    /// Of the thread group leader: up to 15 bytes of any value, and a newline.
    private static func name(of pid: UInt32) -> ProcessID.Name? {
        let raw = unsafe open("/proc/\(pid)/comm", O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let file = FileDescriptor(owning: raw)
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = unsafe Glibc.read(file.raw, &bytes, bytes.count)
        guard count > 0 else { return nil }
        return ProcessID.Name(bytes: bytes[..<(count - 1)])
    }

    private static func eachSocket(of pid: UInt32, _ body: (UInt32) -> Void) {
        guard let directory = unsafe opendir("/proc/\(pid)/fd") else { return }
        defer { unsafe closedir(directory) }
        let folder = unsafe dirfd(directory)
        var target = [UInt8](repeating: 0, count: 32)
        while let entry = unsafe readdir(directory) {
            // The entry's name is NUL-terminated and lives until the next readdir().
            let count = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { name in
                unsafe target.withUnsafeMutableBytes { target in
                    unsafe readlinkat(
                        folder, name.baseAddress!.assumingMemoryBound(to: CChar.self),
                        target.baseAddress!.assumingMemoryBound(to: CChar.self), target.count)
                }
            }
            if count > 0, let inode = inode(inLink: target[..<count]) { body(inode) }
        }
    }

    /// `socket:[12345]`
    static func inode(inLink text: ArraySlice<UInt8>) -> UInt32? {
        guard text.starts(with: "socket:[".utf8), text.last == UInt8(ascii: "]") else { return nil }
        let digits = text.dropFirst(8).dropLast()
        guard digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self))
    }
}

extension ProcessID.Name {
    /// Takes the first 15 bytes, as the kernel does.
    fileprivate init(bytes: ArraySlice<UInt8>) {
        self.init()
        for (index, byte) in bytes.prefix(15).enumerated() {
            let bits = UInt64(byte) << UInt64(8 * (index & 7))
            if index < 8 { head |= bits } else { tail |= bits }
        }
    }
}
