import CPortgauge
import Glibc

/// The host, as `uname` prints it, and the number of its CPUs that are online.
package struct Host: Sendable {
    package let name: String
    /// Such as `6.18.44`.
    package let kernel: String
    /// Such as `x86_64`.
    package let machine: String
    package let cpus: Int

    package init() {
        var system = utsname()
        // SAFETY: the kernel fills the structure, whose fields are arrays of bytes that end with NUL.
        unsafe uname(&system)
        name = unsafe withUnsafeBytes(of: system.nodename) { unsafe Self.text($0) }
        kernel = unsafe withUnsafeBytes(of: system.release) { unsafe Self.text($0) }
        machine = unsafe withUnsafeBytes(of: system.machine) { unsafe Self.text($0) }
        cpus = max(0, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// The version in a kernel release such as `6.18.44-cloud-amd64`.
package struct KernelVersion: Comparable {
    package let major: Int
    package let minor: Int

    package init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// A release that cannot be read is taken for a new one.
    package init(release: String) {
        let numbers = release.split(separator: ".").prefix(2).map { $0.prefix { $0.isNumber } }
        major = numbers.first.flatMap { Int($0) } ?? .max
        minor = numbers.dropFirst().first.flatMap { Int($0) } ?? 0
    }

    package static func < (a: KernelVersion, b: KernelVersion) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }
}

/// BTF: the kernel's description of its own types, without which no hook can be loaded.
package enum TypeInformation {
    package static let path = "/sys/kernel/btf/vmlinux"

    /// Why it cannot be read, as an errno; nil if it can.
    package static var refusal: Int32? {
        // SAFETY: Swift lends the path with its NUL.
        unsafe access(path, R_OK) == 0 ? nil : errno
    }
}

/// The addresses of the kernel's functions.
package enum KernelSymbols {
    private static let path = "/proc/kallsyms"

    /// Throws if they are hidden: then each reads as 0.
    package static func require() throws(SystemError) {
        let file = try FileDescriptor(opening: path, to: "read", remedy: "mount /proc")
        var text = [UInt8](repeating: 0, count: 4096)
        let count = file.read(into: &text)
        let lines = text.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
        let isHidden = lines.allSatisfy { $0.prefix(16).allSatisfy { $0 == UInt8(ascii: "0") } }
        if isHidden {
            throw SystemError(
                "read \(path)", errno: EPERM,
                remedy: "its addresses are hidden: run as root, or grant CAP_BPF, CAP_PERFMON and "
                    + "CAP_SYSLOG, with kernel.kptr_restrict at most 1")
        }
    }
}

/// The tree of control groups of version 2.
package enum ControlGroups {
    /// Opens its root, to which every process belongs: of a process in a cgroup namespace, the root of
    /// that. systemd mounts it at the first path beside the older hierarchies, or at the second.
    package static func openRoot() throws(SystemError) -> FileDescriptor {
        let paths = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        let name = "the cgroup tree"
        let remedy = "grant CAP_SYS_ADMIN, or mount it: mount -t cgroup2 none /sys/fs/cgroup"
        for path in paths where KernelFiles.status("\(path)/cgroup.controllers") != nil {
            return try FileDescriptor(opening: path, O_DIRECTORY, as: name, remedy: remedy)
        }
        return FileDescriptor(
            owning: try check("open \(name)", remedy: remedy) { pg_open_cgroups() })
    }
}
