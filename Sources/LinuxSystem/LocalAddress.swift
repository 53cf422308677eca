import Glibc
import PortModel

extension IPAddress {
    /// Whether bind() would take it in the network namespace that this thread is in. The kernel is
    /// asked, which knows local routes and `ip_nonlocal_bind` as well, and takes no port for it. Of a
    /// link-local address, which is one only together with a device, it is taken for granted.
    package var isLocal: Bool {
        if isAny || high >> 54 == 0xfe80 >> 6 { return true }
        guard
            let socket = try? FileDescriptor.socket(
                isV4 ? AF_INET : AF_INET6, SOCK_DGRAM, for: "socket")
        else { return true }
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the kernel reads the option, and then the address that it is lent.
        let result = unsafe setsockopt(socket.raw, Int32(IPPROTO_IP), Self.noPort, &on, size)
        guard result == 0 else { return true }
        return unsafe withSocketAddress(isV6: !isV4) { unsafe bind(socket.raw, $0, $1) } == 0
            || errno != EADDRNOTAVAIL
    }

    /// IP_BIND_ADDRESS_NO_PORT: include/uapi/linux/in.h.
    private static let noPort: Int32 = 24
}
