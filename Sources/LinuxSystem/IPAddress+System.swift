import Glibc
import PortModel

/// Addresses in the form that socket calls take and give.
extension IPAddress {
    /// Lends the address and a port to a socket call.
    ///
    /// - Parameter isV6: for a socket of AF_INET6, which may be of an IPv4 address, too.
    package func withSocketAddress(
        port: UInt16 = 0, isV6: Bool, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        if isV6 {
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_addr = v6
            return unsafe Self.lend(name, body)
        }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
        return unsafe Self.lend(name, body)
    }

    private static func lend<Name>(
        _ name: Name, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        // SAFETY: socket calls read the family first, and then the structure that belongs to it.
        unsafe withUnsafePointer(to: name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<Name>.size))
            }
        }
    }

    /// Reads what a socket is bound to, with getsockname(); nil if it is no IP address.
    package static func ofSocket(
        _ descriptor: Int32
    ) throws(SystemError) -> (address: IPAddress, port: UInt16, isV6: Bool)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // SAFETY: the storage is as large and as aligned as every address that it is written and read as.
        try check("getsockname") {
            unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getsockname(descriptor, $0, &length)
                }
            }
        }
        return unsafe withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let name = unsafe bytes.load(as: sockaddr_in.self)
                let address = IPAddress(v4: UInt32(bigEndian: name.sin_addr.s_addr))
                return (address, UInt16(bigEndian: name.sin_port), false)
            case AF_INET6:
                let name = unsafe bytes.load(as: sockaddr_in6.self)
                return (IPAddress(name.sin6_addr), UInt16(bigEndian: name.sin6_port), true)
            default: return nil
            }
        }
    }

    // SAFETY: both types are 16 plain bytes, of which every pattern is a valid value.
    init(_ raw: in6_addr) {
        let halves = unsafe unsafeBitCast(raw, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    }

    var v6: in6_addr { unsafe unsafeBitCast((high.bigEndian, low.bigEndian), to: in6_addr.self) }
}

extension IPAddress {
    /// Reads an address as inet_pton() does: dotted IPv4, or any form of IPv6.
    package init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        // SAFETY: inet_pton() fills the structure that belongs to the family; both are plain bytes.
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
        } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(v6)
        } else {
            return nil
        }
    }

    /// `10.0.0.1`, also for the mapped form, or `2001:db8::1`.
    package var text: String {
        // SAFETY: INET6_ADDRSTRLEN is the longest text, its final NUL included.
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        var address = v6
        unsafe inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
        let text = KernelFiles.text(buffer)
        return isV4 ? String(text.dropFirst("::ffff:".count)) : text
    }

    /// 16 bytes in network order.
    package var networkBytes: [UInt8] { unsafe withUnsafeBytes(of: v6) { unsafe Array($0) } }

    /// - Parameter bytes: 16 of them.
    package init(networkBytes bytes: ArraySlice<UInt8>) {
        // SAFETY: the C structure is these bytes.
        self.init(unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: in6_addr.self) })
    }
}
