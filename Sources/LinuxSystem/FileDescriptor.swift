import Glibc

/// Owns an open file descriptor.
package struct FileDescriptor: ~Copyable, Sendable {
    package let raw: Int32

    /// Takes over `raw`, which nobody else closes.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// Opens a file; a command does not inherit it.
    ///
    /// - Parameters:
    ///   - verb: and `name`, the path if it is nil: what an error says.
    package init(
        opening path: String, _ flags: Int32 = O_RDONLY, to verb: String = "open",
        as name: String? = nil, remedy: @autoclosure () -> String = ""
    ) throws(SystemError) {
        let raw = try check("\(verb) \(name ?? path)", remedy: remedy()) {
            // SAFETY: Swift lends the path with its NUL for the length of the call.
            unsafe open(path, flags | O_CLOEXEC, 0o666)
        }
        self.init(owning: raw)
    }

    /// Reads once, as many bytes as the array has at most.
    ///
    /// - Returns: how many bytes, 0 at the end; -1 and errno.
    package func read(into bytes: inout [UInt8]) -> Int {
        // SAFETY: the kernel writes within the array, which is lent for the length of the call.
        retrying { unsafe Glibc.read(raw, &bytes, bytes.count) }
    }

    /// Writes all of it, for as long as that takes.
    package func write(
        _ bytes: [UInt8], _ action: @autoclosure () -> String,
        remedy: @autoclosure () -> String = ""
    ) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try check(action(), remedy: remedy()) {
                // SAFETY: the kernel reads within the slice, which is lent for the length of the call.
                unsafe rest.withUnsafeBytes { unsafe Glibc.write(raw, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// Makes a socket of a family, a type and a protocol; a command does not inherit it.
    package static func socket(
        _ domain: Int32, _ type: __socket_type, _ number: Int32 = 0,
        for action: @autoclosure () -> String, remedy: @autoclosure () -> String = ""
    ) throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try check(action(), remedy: remedy()) {
                Glibc.socket(domain, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), number)
            })
    }
}
