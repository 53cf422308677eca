import CPortgauge
import Glibc
import LinuxSystem

package let hookRemedy = "this kernel refuses the hook; portgauge needs Linux 5.10 or later"
let damageRemedy = "this build is damaged: build it again"

/// Everything libbpf has said so far, such as the verifier's log.
package var libbpfText: String {
    // SAFETY: NUL-terminated, and copied before libbpf says more: one thread uses it.
    unsafe String(cString: pg_libbpf_text())
}

/// Throws what libbpf returns as a negative errno.
package func check(
    libbpf result: Int32, _ action: @autoclosure () -> String,
    remedy: @autoclosure () -> String = hookRemedy
) throws(SystemError) {
    if result < 0 { throw SystemError(action(), errno: -result, remedy: remedy()) }
}

/// Throws when libbpf returns no pointer; errno says why.
func check(
    libbpf pointer: OpaquePointer?, _ action: @autoclosure () -> String,
    remedy: @autoclosure () -> String = hookRemedy
) throws(SystemError) -> OpaquePointer {
    let number = errno
    guard let pointer = unsafe pointer else {
        throw SystemError(action(), errno: number, remedy: remedy())
    }
    return unsafe pointer
}
