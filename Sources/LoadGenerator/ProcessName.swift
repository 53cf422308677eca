import Glibc
import LinuxSystem

/// Sets the name (comm) of the process, which is that of its main thread.
///
/// The kernel keeps the first 15 bytes.
package func setProcessName(_ name: String) throws(SystemError) {
    try write(name, to: "/proc/self/comm")
}

/// Writes a setting to a file through which the kernel takes it, in one call as it expects.
func write(_ text: String, to path: String) throws(SystemError) {
    let file = try FileDescriptor(opening: path, O_WRONLY)
    try file.write(Array(text.utf8), "write \(path) = \(text)")
}
