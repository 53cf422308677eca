/// Sets the name (comm) of the process, which is that of its main thread.
///
/// The kernel keeps the first 15 bytes.
package func setProcessName(_ name: String) throws(SystemError) {
    try KernelFile.write(name, to: "/proc/self/comm")
}
