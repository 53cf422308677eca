import PortModel

/// The processes of this host, as far as /proc shows them to this one.
package struct ProcessList: Sendable {
    /// By their pids, in the pid namespace that /proc was mounted in.
    package let processes = Self.named(KernelFiles.processes)

    package init() {}

    /// Whether processes are numbered here as records number them.
    package static var isNumberedAsInRecords: Bool {
        // PROC_PID_INIT_INO: the first pid namespace of every kernel.
        KernelFiles.status("/proc/self/ns/pid")?.st_ino == 0xEFFF_FFFC
    }

    /// The processes with these PIDs that exist, in rising order.
    package static func named(_ pids: some Sequence<UInt32>) -> [ProcessID] {
        pids.sorted().compactMap { pid in
            name(of: pid).map { ProcessID(pid: pid, name: $0) }
        }
    }

    /// Inode number of the network namespace that a process is in; nil if it may not be seen.
    package static func netns(of process: ProcessID) -> UInt32? {
        NetworkNamespaces.link("/proc/\(process.pid)/ns/net")
    }

    /// The processes that have these sockets open, by inode number, whatever network namespace they are
    /// in; of several that share one, such as a server and its workers, the one with the lowest PID.
    ///
    /// - Parameter inodes: inode numbers of sockets; 0 is none.
    package func owners(of inodes: Set<UInt32>) -> [UInt32: ProcessID] {
        var owners: [UInt32: ProcessID] = [:]
        var missing = inodes
        missing.remove(0)
        for process in processes where !missing.isEmpty {
            KernelFiles.eachEntry(of: "/proc/\(process.pid)/fd") { folder, name in
                if let inode = KernelFiles.number("socket", inLink: name, in: folder),
                    missing.remove(inode) != nil
                {
                    owners[inode] = process
                }
            }
        }
        return owners
    }

    /// Name of the thread group leader: up to 15 bytes of any value, and a newline.
    private static func name(of pid: UInt32) -> ProcessID.Name? {
        guard let bytes = KernelFiles.bytes("/proc/\(pid)/comm", limit: 64), !bytes.isEmpty else {
            return nil
        }
        return ProcessID.Name(bytes: bytes.dropLast())
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
