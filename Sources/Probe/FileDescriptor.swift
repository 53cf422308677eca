import Glibc

/// Owns an open file descriptor.
package struct FileDescriptor: ~Copyable {
    package let raw: Int32

    /// Takes over `raw`, which nobody else closes.
    package init(owning raw: Int32) { self.raw = raw }

    deinit { close(raw) }
}
