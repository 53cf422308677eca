import Foundation
import LoadGenerator
import Testing

/// What the running kernel can do that a check relies on. By its version: where it should be able to
/// and is not, the check fails.
enum Kernel {
    private static func isAtLeast(_ major: Int, _ minor: Int) -> Bool {
        let version = ProcessInfo.processInfo.operatingSystemVersion
        return (version.majorVersion, version.minorVersion) >= (major, minor)
    }

    /// `ss -K` ends connections everywhere, but TIME_WAITs not on 5.10.
    static let endsTimeWaits = isAtLeast(6, 1)

    /// `tcp_tw_reuse_delay`: before, a TIME_WAIT may be used again from the next full second on.
    static let hasReuseDelay = isAtLeast(6, 14)

    /// IP_LOCAL_PORT_RANGE: 6.3, and 6.1 as Debian has it.
    static let hasOwnPortRange = isAtLeast(6, 1)

    /// sock_diag lists sockets that are bound only.
    static let listsBoundSockets = isAtLeast(6, 8)

    /// The same, wherever it comes from.
    static let mustHaveOwnPortRange = isAtLeast(6, 3)

    /// io_uring: IORING_OP_BIND.
    static let bindsInRing = isAtLeast(6, 11)

    /// Without trampolines, what a system call was asked for can be read at its end.
    static let readsRegisters = isAtLeast(5, 15)
}
