import Glibc

/// A file below /proc through which the kernel takes a setting.
enum KernelFile {
    /// Writes `text` to the file in one call, as the kernel expects it.
    static func write(_ text: String, to path: String) throws(SystemError) {
        let file = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw SystemError(errno, "open", path) }
        defer { _ = close(file) }
        var text = text
        // The buffer lives, unchanged, for the length of the call.
        let code = text.withUTF8 { bytes -> Int32 in
            while unsafe Glibc.write(file, bytes.baseAddress, bytes.count) < 0 {
                if errno != EINTR { return errno }
            }
            return 0
        }
        guard code == 0 else { throw SystemError(code, "write", "\(path) = \(text)") }
    }
}
