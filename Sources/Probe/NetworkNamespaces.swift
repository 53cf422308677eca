import CPortgauge
import Glibc

/// The network namespaces of this host: which there are, how to get into them, and what a person
/// calls them.
///
/// None is ever kept open, since that would keep it alive.
package enum NetworkNamespaces {
    /// One that exists, or did a moment ago.
    package struct Found: Sendable {
        package let inode: UInt32
        /// Leads to it, as long as the process lives there or the mount lasts.
        package let path: String
        /// The first process in it; 0 if it was found by its mount.
        package let pid: UInt32

        /// The namespace of a process.
        package init(inode: UInt32, pid: UInt32) {
            self.init(inode: inode, path: "/proc/\(pid)/ns/net", pid: pid)
        }

        init(inode: UInt32, path: String, pid: UInt32) {
            self.inode = inode
            self.path = path
            self.pid = pid
        }
    }

    /// Inode number of the one this process is in; nil without /proc.
    package static var own: UInt32? { status("/proc/self/ns/net").map { inode($0) } }

    /// Of the one that this thread is in, by which records name it: part of its cookie, which unlike
    /// the inode number is never given again. Nil before 5.14, where it is the inode number.
    static var currentIdentity: UInt32? {
        let raw = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard raw >= 0 else { return nil }
        let socket = FileDescriptor(owning: raw)
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        let result = unsafe getsockopt(socket.raw, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size)
        return result == 0 ? UInt32(truncatingIfNeeded: cookie) : nil
    }

    /// How records name the one that this thread is in.
    package static var ownIdentity: UInt32? { currentIdentity ?? own }

    /// All that a process or a thread is in, or a mount of this mount namespace keeps. One that only a
    /// descriptor or a socket keeps is not among them.
    package static func all() -> [Found] {
        var found: [UInt32: Found] = [:]
        func add(_ path: String, pid: UInt32) {
            guard let inode = link(path), found[inode] == nil else { return }
            found[inode] = Found(inode: inode, path: path, pid: pid)
        }
        for pid in entries(of: "/proc").compactMap({ UInt32($0) }).sorted() {
            add("/proc/\(pid)/ns/net", pid: pid)
            for thread in threads(of: pid) { add(thread + "/ns/net", pid: pid) }
        }
        for mount in mounts() where found[mount.inode] == nil {
            found[mount.inode] = Found(inode: mount.inode, path: mount.path, pid: 0)
        }
        return found.values.sorted { $0.inode < $1.inode }
    }

    /// What a person calls a namespace: `host` for that of process 1, the name that `ip netns` gave
    /// it, else the container, else the first process in it. Nil when only a thread is in it.
    package static func name(of found: Found) -> String? {
        if link("/proc/1/ns/net") == found.inode { return "host" }
        if let name = names()[found.inode] { return name }
        guard link("/proc/\(found.pid)/ns/net") == found.inode,
            let group = text("/proc/\(found.pid)/cgroup", limit: 1 << 16)
        else { return nil }
        if let container = container(inControlGroup: group) { return container }
        guard let name = text("/proc/\(found.pid)/comm", limit: 64) else { return nil }
        return name.split(separator: "\n").first.map { "\($0)[\(found.pid)]" }
    }

    /// By inode number: the names that `ip netns` gave, the first in the alphabet where there are
    /// several. What else lies there, such as the file of a namespace that has gone, is left out.
    package static func names(in folder: String = "/run/netns") -> [UInt32: String] {
        guard let device = status("/proc/self/ns/net")?.st_dev,
            let directory = unsafe opendir(folder)
        else { return [:] }
        defer { unsafe closedir(directory) }
        var names: [UInt32: String] = [:]
        while let entry = unsafe readdir(directory) {
            // A name is any bytes: as a String it might no longer be found.
            let bytes = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe Array($0.prefix { $0 != 0 })
            }
            let path = Array("\(folder)/".utf8) + bytes + [0]
            guard let status = status(path.map { CChar(bitPattern: $0) }), status.st_dev == device
            else { continue }
            let name = String(decoding: bytes, as: UTF8.self)
            names[inode(status)] = min(name, names[inode(status)] ?? name)
        }
        return names
    }

    /// The first twelve of the 64 hexadecimal digits by which all container engines name their
    /// control groups (`docker-….scope`, `cri-containerd-….scope`, `libpod-….scope`, `/docker/…`).
    static func container(inControlGroup text: String) -> String? {
        let isDigit: (Character) -> Bool = { $0.isHexDigit && $0.isASCII }
        return text.split(whereSeparator: { !isDigit($0) }).last { $0.count == 64 }
            .map { String($0.prefix(12)) }
    }

    /// The namespace this process lives in, and the way back into it.
    struct Home: ~Copyable {
        private let descriptor: FileDescriptor
        private let inode: UInt32?

        init() throws(ProbeError) {
            descriptor = FileDescriptor(
                owning: try check(
                    unsafe open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC),
                    "open /proc/self/ns/net", remedy: "mount /proc"))
            inode = NetworkNamespaces.own
        }

        /// Runs `body` inside another namespace: on this thread, which is the only one.
        ///
        /// - Returns: false when it is gone or out of reach; `body` was not run.
        func visit(_ found: Found, _ body: () -> Void) -> Bool {
            if found.inode == inode {
                body()
                return true
            }
            let raw = unsafe open(found.path, O_RDONLY | O_CLOEXEC)
            guard raw >= 0 else { return false }
            let there = FileDescriptor(owning: raw)
            var status = stat()
            // The path may lead somewhere else by now.
            guard unsafe fstat(there.raw, &status) == 0,
                UInt32(truncatingIfNeeded: status.st_ino) == found.inode,
                pg_enter_network(there.raw) == 0
            else { return false }
            body()
            // It was open from the start, and the way in was allowed.
            precondition(pg_enter_network(descriptor.raw) == 0, "cannot return to own namespace")
            return true
        }
    }

    // MARK: /proc

    /// The mounts that keep a network namespace, from `/proc/self/mountinfo`: the fourth field is
    /// `net:[INODE]`, the fifth the path, with white space as `\040`.
    static func mounts() -> [(inode: UInt32, path: String)] {
        guard let text = text("/proc/self/mountinfo", limit: 4 << 20) else { return [] }
        return mounts(inMountInfo: text)
    }

    static func mounts(inMountInfo text: String) -> [(inode: UInt32, path: String)] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4, let inode = inode(inLink: fields[3]) else { return nil }
            return (inode, unescape(fields[4]))
        }
    }

    private static func unescape(_ path: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = path.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"),
                let value = UInt8(String(rest.prefix(3)) ?? "", radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `net:[4026531840]`
    private static func inode(inLink text: Substring) -> UInt32? {
        guard text.hasPrefix("net:["), text.hasSuffix("]") else { return nil }
        return UInt32(text.dropFirst(5).dropLast())
    }

    static func link(_ path: String) -> UInt32? {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        guard count > 0 else { return nil }
        return inode(inLink: Substring(decoding: buffer.prefix(count), as: UTF8.self))
    }

    /// - Parameter path: ends with a NUL.
    private static func status(_ path: [CChar]) -> stat? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status : nil
    }

    private static func status(_ path: String) -> stat? { status(Array(path.utf8CString)) }

    private static func inode(_ status: stat) -> UInt32 {
        UInt32(truncatingIfNeeded: status.st_ino)
    }

    /// Without those that begin with a dot.
    static func entries(of path: String) -> [String] {
        guard let directory = unsafe opendir(path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// The folders of the threads of a process; of a process that has but one, none.
    private static func threads(of pid: UInt32) -> Set<String> {
        let folder = "/proc/\(pid)/task"
        var threads: Set<String> = []
        // Where one ends while it is being listed, the kernel leaves out those after it.
        for _ in 0..<5 {
            // Two links and one more for each thread.
            guard let status = status(folder), status.st_nlink > 3 else { break }
            let found = entries(of: folder)
            threads.formUnion(found.map { "\(folder)/\($0)" })
            if found.count + 2 >= status.st_nlink { break }
        }
        return threads
    }

    private static func text(_ path: String, limit: Int) -> String? {
        let raw = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard raw >= 0 else { return nil }
        let file = FileDescriptor(owning: raw)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < limit {
            let count = unsafe read(file.raw, &chunk, chunk.count)
            guard count > 0 else { break }
            bytes += chunk.prefix(count)
        }
        return String(decoding: bytes.prefix(limit), as: UTF8.self)
    }
}
