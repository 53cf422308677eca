import CPortgauge
import Glibc
import LinuxSystem

/// A network namespace of its own for one thread, so that traffic and settings stay off the host's.
///
/// It has only the loopback device, with 127.0.0.0/8 and ::1. It goes when no thread is in it and
/// the sockets made in it are closed. Needs root (CAP_SYS_ADMIN).
package enum PrivateNamespace {
    /// Runs `body` in a new namespace, and takes the calling thread back to its own.
    ///
    /// The thread stays the same, so that a test knows what `body` records as its own. Threads that
    /// `body` starts are in the new namespace. `settings` are as for `enter`. Throws what `body`
    /// throws, or a SystemError when the namespace could not be made, and then `body` has not run.
    package static func run<Value>(
        settings: [String: String] = [:], _ body: () throws -> Value
    ) throws -> Value {
        let own = try FileDescriptor(opening: path)
        defer { precondition(pg_enter_network(own.raw) == 0, "cannot return to own namespace") }
        try enter(settings: settings)
        return try body()
    }

    /// Moves the calling thread, and those it starts from now on, to a new namespace for good.
    ///
    /// `settings` are files below /proc/sys/net and what to write to them, such as
    /// ["ipv4/ip_local_port_range": "40000 40007"]. They take effect in the new namespace only.
    /// Throws when loopback cannot be brought up or a setting is refused, naming it: the thread is
    /// in the new namespace even so.
    package static func enter(settings: [String: String] = [:]) throws(SystemError) {
        try check("unshare CLONE_NEWNET") { pg_unshare_network() }
        try bringUpLoopback()
        try set(settings)
    }

    /// Changes settings of the calling thread's namespace, which must be a private one; they are as
    /// for `enter`.
    package static func set(_ settings: [String: String]) throws(SystemError) {
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            try write(value, to: "/proc/sys/net/\(name)")
        }
    }

    /// The inode number that identifies the network namespace of the calling thread.
    package static func currentInode() throws(SystemError) -> UInt64 {
        guard let inode = NetworkNamespaces.link(path) else {
            throw SystemError("read \(path)", errno: ENOENT)
        }
        return UInt64(inode)
    }

    private static let path = "/proc/thread-self/ns/net"

    /// A new namespace has its loopback device down; the addresses come with bringing it up.
    private static func bringUpLoopback() throws(SystemError) {
        let socket = try FileDescriptor.socket(AF_INET, SOCK_DGRAM, for: "socket")
        var request = unsafe ifreq()
        // SAFETY: the name field is zero-filled and longer than "lo", so it stays NUL-terminated.
        unsafe withUnsafeMutableBytes(of: &request.ifr_ifrn) { name in
            unsafe name.copyBytes(from: "lo".utf8)
        }
        unsafe request.ifr_ifru.ifru_flags = Int16(IFF_UP)
        try check("ioctl lo up") { unsafe ioctl(socket.raw, UInt(SIOCSIFFLAGS), &request) }
    }
}

/// Sets the name (comm) of the process, which is that of its main thread.
///
/// The kernel keeps the first 15 bytes.
package func setProcessName(_ name: String) throws(SystemError) {
    try write(name, to: "/proc/self/comm")
}

/// Writes a setting to a file through which the kernel takes it, in one call as it expects.
private func write(_ text: String, to path: String) throws(SystemError) {
    let file = try FileDescriptor(opening: path, O_WRONLY)
    try file.write(Array(text.utf8), "write \(path) = \(text)")
}
