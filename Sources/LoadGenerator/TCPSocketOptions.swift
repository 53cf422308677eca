import Glibc
import LinuxSystem

/// The socket options that decide how a connection gets its port and how it gives it back.
extension TCPSocket {
    /// Makes closing send RST and free the port at once, in place of FIN and TIME_WAIT.
    package func setLingerZero() throws(SystemError) {
        try set(SOL_SOCKET, SO_LINGER, to: linger(l_onoff: 1, l_linger: 0), "SO_LINGER")
    }

    /// Narrows the ephemeral ports for this socket to `low ... high`; 0 leaves a bound as it is.
    ///
    /// Needs Linux 6.3; throws ENOPROTOOPT before, and EINVAL when `low` is above `high`.
    package func setPortRange(_ low: UInt16, _ high: UInt16) throws(SystemError) {
        // IP_LOCAL_PORT_RANGE, which the C library does not know; IPv6 sockets take it as well.
        try set(
            Int32(IPPROTO_IP), 51, to: UInt32(high) << 16 | UInt32(low), "IP_LOCAL_PORT_RANGE")
    }

    /// Makes binding to port 0 leave the choice of the port to `connect`.
    package func setBindAddressNoPort() throws(SystemError) {
        try set(Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, to: Int32(1), "IP_BIND_ADDRESS_NO_PORT")
    }

    /// Allows binding to a port that a connection in TIME_WAIT still has.
    func setReuseAddress() throws(SystemError) {
        try set(SOL_SOCKET, SO_REUSEADDR, to: Int32(1), "SO_REUSEADDR")
    }

    /// Leaves the IPv4 address of the same port to another listener.
    func setIPv6Only() throws(SystemError) {
        try set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: Int32(1), "IPV6_V6ONLY")
    }

    /// Bounds how long `accept` and `waitForEnd` wait, here and in accepted sockets: then EAGAIN.
    func setReceiveTimeout(seconds: Int) throws(SystemError) {
        try set(SOL_SOCKET, SO_RCVTIMEO, to: timeval(tv_sec: seconds, tv_usec: 0), "SO_RCVTIMEO")
    }

    /// `Value` is the plain C type that the option takes.
    private func set<Value: BitwiseCopyable>(
        _ level: Int32, _ option: Int32, to value: Value, _ name: String
    ) throws(SystemError) {
        let length = socklen_t(MemoryLayout<Value>.size)
        // SAFETY: the kernel reads `length` bytes of the value.
        try check("setsockopt \(name)") {
            unsafe withUnsafeBytes(of: value) { bytes in
                unsafe setsockopt(fileDescriptor, level, option, bytes.baseAddress, length)
            }
        }
    }
}
