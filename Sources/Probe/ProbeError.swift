import CPortgauge
import Glibc

/// What could not be done, to what, why, and what to do about it.
package struct ProbeError: Error, CustomStringConvertible {
    package let action: String
    package let errno: Int32
    package let remedy: String

    package init(_ action: String, errno: Int32, remedy: String) {
        self.action = action
        self.errno = errno
        self.remedy = remedy
    }

    /// `load probe: EPERM (run as root, or grant CAP_BPF and CAP_PERFMON)`
    package var description: String { "\(action): \(errnoName(errno)) (\(remedy))" }
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
