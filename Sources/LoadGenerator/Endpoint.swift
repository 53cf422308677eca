import Glibc
import LinuxSystem

/// An IP address and a TCP port.
///
/// An address written "::ffff:127.0.0.1" is an IPv6 endpoint: it is used through an AF_INET6
/// socket, although the packets are IPv4.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    /// The numeric value of an address, in the byte order of the host.
    private enum Address: Hashable {
        case v4(UInt32)
        case v6(UInt128)
    }

    private let address: Address

    /// 1 to 65535; 0 lets the kernel choose when binding.
    package let port: UInt16

    private init(_ address: Address, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// An endpoint from a numeric address such as "127.0.0.1", "::1" or "::ffff:127.0.0.1".
    ///
    /// Throws EINVAL for any other text: names are not resolved.
    package init(_ text: String, port: UInt16) throws(SystemError) {
        var v4 = in_addr()
        var v6 = in6_addr()
        // SAFETY: inet_pton() fills the structure that belongs to the family.
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self.init(.v4(UInt32(bigEndian: v4.s_addr)), port: port)
        } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(Self.address(v6), port: port)
        } else {
            throw SystemError("inet_pton \(text)", errno: EINVAL)
        }
    }

    /// The endpoint that a socket call has written; nil when it is not an IP endpoint.
    init?(_ storage: sockaddr_storage) {
        // SAFETY: sockaddr_storage is at least as large and as aligned as every address it can hold.
        let parsed: Endpoint? = unsafe withUnsafeBytes(of: storage) { bytes in
            switch Int32(storage.ss_family) {
            case AF_INET:
                let name = unsafe bytes.load(as: sockaddr_in.self)
                let value = UInt32(bigEndian: name.sin_addr.s_addr)
                return Endpoint(.v4(value), port: UInt16(bigEndian: name.sin_port))
            case AF_INET6:
                let name = unsafe bytes.load(as: sockaddr_in6.self)
                let value = Self.address(name.sin6_addr)
                return Endpoint(value, port: UInt16(bigEndian: name.sin6_port))
            default:
                return nil
            }
        }
        guard let parsed else { return nil }
        self = parsed
    }

    /// `count` endpoints on consecutive addresses from 127.0.0.1 on, all with the same port.
    ///
    /// Every one is local without configuration, which lets one port range be used once for each.
    /// `count` is clamped to 0 ... 65535.
    package static func loopback(count: Int, port: UInt16) -> [Endpoint] {
        (0..<UInt32(min(max(count, 0), 65535))).map { Endpoint(.v4(0x7F00_0001 + $0), port: port) }
    }

    /// The wildcard address, on which a listener accepts connections to every local address.
    static func any(ipv6: Bool, port: UInt16) -> Endpoint {
        Endpoint(ipv6 ? .v6(0) : .v4(0), port: port)
    }

    /// Whether a socket for this endpoint is AF_INET6.
    package var isIPv6: Bool {
        if case .v6 = address { true } else { false }
    }

    /// Whether packets to this endpoint are IPv6, which those to "::ffff:127.0.0.1" are not.
    var travelsAsIPv6: Bool {
        if case .v6(let value) = address { value >> 32 != 0xFFFF } else { false }
    }

    /// The same address with another port.
    package func with(port: UInt16) -> Endpoint {
        Endpoint(address, port: port)
    }

    /// Such as "127.0.0.1:80" or "[::1]:80".
    package var description: String {
        // SAFETY: INET6_ADDRSTRLEN is the longest text of both families, its final NUL included.
        let text = unsafe withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)
        ) { buffer in
            let length = socklen_t(INET6_ADDRSTRLEN)
            switch address {
            case .v4(let value):
                var raw = in_addr(s_addr: value.bigEndian)
                unsafe inet_ntop(AF_INET, &raw, buffer.baseAddress, length)
            case .v6(let value):
                var raw = Self.rawAddress(value)
                unsafe inet_ntop(AF_INET6, &raw, buffer.baseAddress, length)
            }
            return unsafe String(cString: buffer.baseAddress!)
        }
        return isIPv6 ? "[\(text)]:\(port)" : "\(text):\(port)"
    }

    /// Calls `body` with the endpoint as socket calls take it; the pointer ends with the call.
    func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch address {
        case .v4(let value):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = value.bigEndian
            return unsafe LinuxSystem.withSocketAddress(name, body)
        case .v6(let value):
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_addr = Self.rawAddress(value)
            return unsafe LinuxSystem.withSocketAddress(name, body)
        }
    }

    // SAFETY: both types are 16 plain bytes, of which every pattern is a valid value.
    private static func address(_ raw: in6_addr) -> Address {
        .v6(UInt128(bigEndian: unsafe unsafeBitCast(raw, to: UInt128.self)))
    }

    private static func rawAddress(_ value: UInt128) -> in6_addr {
        unsafe unsafeBitCast(value.bigEndian, to: in6_addr.self)
    }
}
