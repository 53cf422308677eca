import CPortgauge
import Glibc

/// What could not be done, to what, why, and what to do about it.
package struct ProbeError: Error, CustomStringConvertible {
    package let action: String
    package let errno: Int32
    package let remedy: String
    /// Lines for whoever wants to know more; empty if there are none.
    package let detail: String

    package init(_ action: String, errno: Int32, remedy: String, detail: String = "") {
        self.action = action
        self.errno = errno
        self.remedy = remedy
        self.detail = detail
    }

    /// `load probe: EPERM (run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYSLOG)`
    package var description: String {
        let line = "\(action): \(errnoName(errno)) (\(remedy))"
        return detail.isEmpty ? line : line + "\n" + detail
    }
}

/// The symbolic name of an errno, such as `EPERM`.
package func errnoName(_ errno: Int32) -> String {
    // The table is the C library's and immortal.
    guard let name = unsafe pg_errno_name(errno) else { return "errno \(errno)" }
    return unsafe String(cString: name)
}

/// The result of a call that reports by -1 and errno.
@discardableResult
func check(
    _ result: Int32, _ action: @autoclosure () -> String, remedy: @autoclosure () -> String
) throws(ProbeError) -> Int32 {
    if result < 0 { throw ProbeError(action(), errno: Glibc.errno, remedy: remedy()) }
    return result
}
