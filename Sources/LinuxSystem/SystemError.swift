import CPortgauge
import Glibc

/// A call that failed: on what, why, and what to do about it.
@usableFromInline package struct SystemError: Error, Hashable, CustomStringConvertible {
    /// Verb and object, such as `load probe` or `connect 127.0.0.1:80`.
    package let action: String
    /// Above 0.
    package let errno: Int32
    /// Empty if there is nothing to advise.
    package let remedy: String
    /// Lines for whoever wants to know more; empty if there are none.
    package let detail: String

    @usableFromInline
    package init(_ action: String, errno: Int32, remedy: String = "", detail: String = "") {
        self.action = action
        self.errno = errno
        self.remedy = remedy
        self.detail = detail
    }

    /// `load probe: EPERM (run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYSLOG)`
    @usableFromInline
    package var description: String {
        var text = "\(action): \(errnoName(errno))"
        if !remedy.isEmpty { text += " (\(remedy))" }
        return detail.isEmpty ? text : text + "\n" + detail
    }
}

/// The symbol of an errno, such as `EPERM`; else `errno N`.
package func errnoName(_ errno: Int32) -> String {
    // SAFETY: the table is the C library's and immortal.
    guard let name = unsafe pg_errno_name(errno) else { return "errno \(errno)" }
    return unsafe String(cString: name)
}

/// Repeats a call for as long as signals interrupt it.
///
/// - Returns: the call's result; if that is negative, errno is the call's.
@inlinable
package func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// Makes a call that reports failure by -1 and errno, again for as long as signals interrupt it.
///
/// - Parameter remedy: read while errno is the call's.
/// - Returns: the call's result, 0 or more.
@inlinable @discardableResult
package func check<Result: SignedInteger>(
    _ action: @autoclosure () -> String, remedy: @autoclosure () -> String = "",
    _ call: () -> Result
) throws(SystemError) -> Result {
    let result = retrying(call)
    if result >= 0 { return result }
    let number = errno
    let advice = remedy()
    throw SystemError(action(), errno: number, remedy: advice)
}
