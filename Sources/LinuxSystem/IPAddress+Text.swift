import Glibc
import PortModel

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
        // SAFETY: INET6_ADDRSTRLEN is the longest text of both families, its final NUL included.
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        if isV4 {
            var address = in_addr(s_addr: UInt32(truncatingIfNeeded: low).bigEndian)
            unsafe inet_ntop(AF_INET, &address, &buffer, socklen_t(buffer.count))
        } else {
            var address = v6
            unsafe inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count))
        }
        return KernelFiles.text(buffer)
    }

    /// 16 bytes in network order.
    package var networkBytes: [UInt8] {
        (0..<8).flatMap { [UInt8(group($0) >> 8), UInt8(group($0) & 0xff)] }
    }

    /// - Parameter bytes: 16 of them.
    package init(networkBytes bytes: ArraySlice<UInt8>) {
        func half(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: half(bytes.prefix(8)), low: half(bytes.dropFirst(8)))
    }
}
