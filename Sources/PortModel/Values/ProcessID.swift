/// A process as the kernel names it at connect(). Its user is no part of its identity.
package struct ProcessID: Hashable, Sendable {
    /// Thread group id, as the first pid namespace numbers it; 0 if not known.
    package var pid: UInt32
    /// The user, as the first user namespace numbers it; `noUser` if not known. Beside the pid, so that
    /// a `Change` has 128 bytes: a larger one is moved by calls of memcpy().
    package var uid: UInt32
    package var name: Name

    package init(pid: UInt32, name: Name, uid: UInt32 = noUser) {
        (self.pid, self.uid, self.name) = (pid, uid, name)
    }

    /// (uid_t)-1, which the kernel gives to nobody.
    package static let noUser = UInt32.max

    package static func == (a: ProcessID, b: ProcessID) -> Bool {
        a.pid == b.pid && a.name == b.name
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(pid)
        hasher.combine(name)
    }

    package static let unknown = ProcessID(pid: 0, name: Name())

    /// Stands for all processes of its name.
    var anyOfName: ProcessID { ProcessID(pid: 0, name: name) }

    /// The kernel's `comm`: up to 15 bytes of any value, held inline so that copies cost nothing.
    package struct Name: Hashable, Sendable {
        /// Bytes 0…7, the first in the least significant place; NUL-padded.
        package var head: UInt64
        /// Bytes 8…15, likewise.
        package var tail: UInt64

        package init(head: UInt64 = 0, tail: UInt64 = 0) { (self.head, self.tail) = (head, tail) }

        /// Takes the first 15 bytes of `text`, as the kernel does.
        package init(_ text: String) {
            self.init()
            for (index, byte) in text.utf8.prefix(15).enumerated() {
                let bits = UInt64(byte) << UInt64(8 * (index & 7))
                if index < 8 { head |= bits } else { tail |= bits }
            }
        }

        /// The bytes up to the first NUL.
        package func forEachByte(_ body: (UInt8) -> Void) {
            for index in 0..<16 {
                let byte = UInt8(truncatingIfNeeded: (index < 8 ? head : tail) >> (8 * (index & 7)))
                if byte == 0 { return }
                body(byte)
            }
        }
    }
}
