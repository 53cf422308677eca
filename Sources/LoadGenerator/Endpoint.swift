import Glibc
import LinuxSystem
import PortModel

/// An IP address and a TCP port.
///
/// An address written "::ffff:127.0.0.1" is an IPv6 endpoint: it is used through an AF_INET6
/// socket, although the packets are IPv4.
package struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    let address: IPAddress

    /// 1 to 65535; 0 lets the kernel choose when binding.
    package let port: UInt16

    /// Whether a socket for this endpoint is AF_INET6.
    package let isIPv6: Bool
}

extension Endpoint {
    /// An endpoint from a numeric address such as "127.0.0.1", "::1" or "::ffff:127.0.0.1".
    ///
    /// Throws EINVAL for any other text: names are not resolved.
    package init(_ text: String, port: UInt16) throws(SystemError) {
        guard let address = IPAddress(text) else {
            throw SystemError("inet_pton \(text)", errno: EINVAL)
        }
        self.init(address: address, port: port, isIPv6: text.contains(":"))
    }

    /// `count` endpoints on consecutive addresses from 127.0.0.1 on, all with the same port.
    ///
    /// Every one is local without configuration, which lets one port range be used once for each.
    /// `count` is clamped to 0 ... 65535.
    package static func loopback(count: Int, port: UInt16) -> [Endpoint] {
        (0..<UInt32(min(max(count, 0), 65535))).map {
            Endpoint(address: IPAddress(v4: 0x7F00_0001 + $0), port: port, isIPv6: false)
        }
    }

    /// The wildcard address, on which a listener accepts connections to every local address.
    static func any(ipv6: Bool, port: UInt16) -> Endpoint {
        let address = ipv6 ? IPAddress(high: 0, low: 0) : IPAddress(v4: 0)
        return Endpoint(address: address, port: port, isIPv6: ipv6)
    }

    /// Whether packets to this endpoint are IPv6, which those to "::ffff:127.0.0.1" are not.
    var travelsAsIPv6: Bool { isIPv6 && !address.isV4 }

    /// The same address with another port.
    package func with(port: UInt16) -> Endpoint {
        Endpoint(address: address, port: port, isIPv6: isIPv6)
    }

    /// Such as "127.0.0.1:80" or "[::1]:80".
    package var description: String {
        guard isIPv6 else { return "\(address.text):\(port)" }
        return "[\(address.isV4 ? "::ffff:" : "")\(address.text)]:\(port)"
    }

    /// Calls `body` with the endpoint as socket calls take it; the pointer ends with the call.
    func withSocketAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        unsafe address.withSocketAddress(port: port, isV6: isIPv6, body)
    }
}
