import CPortgauge
import Glibc

/// The network namespaces of this host, the ways into them, and the names that a person knows.
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

        /// The namespace of a process, unless `path` says otherwise.
        package init(inode: UInt32, pid: UInt32, path: String? = nil) {
            (self.inode, self.pid) = (inode, pid)
            self.path = path ?? "/proc/\(pid)/ns/net"
        }
    }

    /// Inode number of the one this process is in; nil without /proc.
    package static var own: UInt32? { KernelFiles.status("/proc/self/ns/net").map(inode) }

    /// Identity of the one that this thread is in, by which records name it: part of its cookie, which
    /// unlike the inode number is never reused. Nil before 5.14, where it is the inode number.
    package static var currentIdentity: UInt32? {
        guard let socket = try? FileDescriptor.socket(AF_UNIX, SOCK_DGRAM, for: "socket") else {
            return nil
        }
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        // SAFETY: the kernel writes `size` bytes at most.
        let result = unsafe getsockopt(socket.raw, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size)
        return result == 0 ? UInt32(truncatingIfNeeded: cookie) : nil
    }

    /// Identity by which records name the one that this thread is in.
    package static var ownIdentity: UInt32? { currentIdentity ?? own }

    /// All that a process or a thread is in, or a mount of this mount namespace keeps. One that only a
    /// descriptor or a socket keeps is not among them.
    package static func all() -> [Found] {
        var found: [UInt32: Found] = [:]
        func add(_ path: String, pid: UInt32) {
            guard let inode = link(path), found[inode] == nil else { return }
            found[inode] = Found(inode: inode, pid: pid, path: path)
        }
        for pid in KernelFiles.processes {
            add("/proc/\(pid)/ns/net", pid: pid)
            for thread in threads(of: pid) { add(thread + "/ns/net", pid: pid) }
        }
        let mounts = KernelFiles.text("/proc/self/mountinfo", limit: 4 << 20)
        for mount in mounts.map(Self.mounts(inMountInfo:)) ?? [] where found[mount.inode] == nil {
            found[mount.inode] = Found(inode: mount.inode, pid: 0, path: mount.path)
        }
        return found.values.sorted { $0.inode < $1.inode }
    }

    /// The host's: that of the kernel's threads where these are to be seen, else of process 1.
    private static var host: UInt32? {
        let isKernelThread = KernelFiles.text("/proc/2/comm", limit: 64) == "kthreadd\n"
        return isKernelThread ? link("/proc/2/ns/net") : link("/proc/1/ns/net")
    }

    /// The name that a person knows: `host` for the host's namespace, the name that `ip netns` gave
    /// it, else the container, else the first process in it. Nil when only a thread is in it.
    package static func name(of found: Found) -> String? {
        if host == found.inode { return "host" }
        if let name = names()[found.inode] { return name }
        guard link("/proc/\(found.pid)/ns/net") == found.inode,
            let group = KernelFiles.text("/proc/\(found.pid)/cgroup", limit: 1 << 16)
        else { return nil }
        if let container = container(inControlGroup: group) { return container }
        guard let name = KernelFiles.text("/proc/\(found.pid)/comm", limit: 64) else { return nil }
        return name.split(separator: "\n").first.map { "\($0)[\(found.pid)]" }
    }

    /// The name of a network device, by its number in the namespace with that inode number; nil when it
    /// is gone or out of reach.
    package static func deviceName(_ index: UInt32, in inode: UInt32) -> String? {
        guard let home = try? Home(),
            let found = inode == own
                ? Found(inode: inode, pid: 0) : all().first(where: { $0.inode == inode })
        else { return nil }
        return home.visit(found) {
            var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
            // SAFETY: it writes IF_NAMESIZE bytes at most, the last of them 0.
            guard unsafe if_indextoname(index, &name) != nil else { return nil }
            return String(
                decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        } ?? nil
    }

    /// Names that `ip netns` gave, by inode number; the first in the alphabet where there are several.
    /// Other files there, such as that of a namespace that has gone, are left out.
    package static func names(in folder: String = "/run/netns") -> [UInt32: String] {
        guard let device = KernelFiles.status("/proc/self/ns/net")?.st_dev else { return [:] }
        var names: [UInt32: String] = [:]
        KernelFiles.eachEntry(of: folder) { directory, entry in
            guard let status = KernelFiles.status(entry, in: directory), status.st_dev == device
            else { return }
            let name = KernelFiles.text(entry)
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
    package struct Home: ~Copyable {
        private let descriptor: FileDescriptor
        private let inode = NetworkNamespaces.own

        package init() throws(SystemError) {
            descriptor = try FileDescriptor(opening: "/proc/self/ns/net", remedy: "mount /proc")
        }

        /// Runs `body` inside another namespace: on this thread, which is the only one.
        ///
        /// - Returns: nil when it is gone or out of reach; `body` was not run.
        package func visit<Value: ~Copyable, Failure: Error>(
            _ found: Found, _ body: () throws(Failure) -> Value
        ) throws(Failure) -> Value? {
            if found.inode == inode { return try body() }
            var status = stat()
            // The path may lead somewhere else by now. SAFETY: fstat() fills the structure.
            guard let there = try? FileDescriptor(opening: found.path),
                unsafe fstat(there.raw, &status) == 0,
                NetworkNamespaces.inode(status) == found.inode,
                pg_enter_network(there.raw) == 0
            else { return nil }
            defer {
                // It was open from the start, and the way in was allowed.
                precondition(
                    pg_enter_network(descriptor.raw) == 0, "cannot return to own namespace")
            }
            return try body()
        }
    }

    // MARK: /proc

    /// The mounts that keep a network namespace, from `/proc/self/mountinfo`: the fourth field is
    /// `net:[INODE]`, the fifth the path, with white space as `\040`.
    static func mounts(inMountInfo text: String) -> [(inode: UInt32, path: String)] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ", maxSplits: 5)
            guard fields.count > 4,
                let inode = KernelFiles.number("net", in: Array(fields[3].utf8)[...])
            else { return nil }
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

    /// The inode number that a link such as `/proc/PID/ns/net` has; nil if it may not be read.
    package static func link(_ path: String) -> UInt32? {
        KernelFiles.number("net", inLink: Array(path.utf8CString))
    }

    private static func inode(_ status: stat) -> UInt32 {
        UInt32(truncatingIfNeeded: status.st_ino)
    }

    /// The folders of the threads of a process; of a process that has but one, none.
    private static func threads(of pid: UInt32) -> Set<String> {
        let folder = "/proc/\(pid)/task"
        var threads: Set<String> = []
        // The kernel leaves out those after a thread that ends while it is being listed.
        for _ in 0..<5 {
            // Two links and one more for each thread.
            guard let status = KernelFiles.status(folder), status.st_nlink > 3 else { break }
            let found = KernelFiles.entries(of: folder)
            threads.formUnion(found.map { "\(folder)/\($0)" })
            if found.count + 2 >= status.st_nlink { break }
        }
        return threads
    }
}
