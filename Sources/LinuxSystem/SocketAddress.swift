import Glibc

/// Lends an address in the form that socket calls take.
///
/// - Parameter address: one of the C structures that begin like `sockaddr`.
package func withSocketAddress<Address>(
    _ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    // SAFETY: socket calls read the family first, and then the structure that belongs to it.
    unsafe withUnsafePointer(to: address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            unsafe body($0, socklen_t(MemoryLayout<Address>.size))
        }
    }
}
