import Glibc
import LinuxSystem
import PortModel

/// A TCP socket, closed when its owner lets go of it.
///
/// Calls that a signal interrupts go on; every other failure is thrown with its errno.
package struct TCPSocket: ~Copyable, Sendable {
    /// Owned by this value: valid while it lives, not to be closed by others.
    package let fileDescriptor: Int32

    /// Takes over an open socket.
    init(owning fileDescriptor: Int32) {
        self.fileDescriptor = fileDescriptor
    }

    /// A new socket of the address family that `endpoint` needs; the endpoint is not used further.
    package init(family endpoint: Endpoint, nonblocking: Bool = false) throws(SystemError) {
        var type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        if nonblocking { type |= Int32(SOCK_NONBLOCK.rawValue) }
        let family = endpoint.isIPv6 ? AF_INET6 : AF_INET
        self.init(owning: try check("socket") { socket(family, type, 0) })
    }

    deinit {
        _ = Glibc.close(fileDescriptor)
    }

    /// Gives the socket a local endpoint; `reuseAddress` allows a port that is still in TIME_WAIT.
    package func bind(to endpoint: Endpoint, reuseAddress: Bool = false) throws(SystemError) {
        if reuseAddress { try set(SOL_SOCKET, SO_REUSEADDR, to: Int32(1), "SO_REUSEADDR") }
        // SAFETY: the kernel reads the name that it is lent; the same of connect().
        try check("bind \(endpoint)") {
            unsafe endpoint.withSocketAddress { unsafe Glibc.bind(fileDescriptor, $0, $1) }
        }
    }

    /// Lets up to `backlog` connections wait for `accept`; net.core.somaxconn caps it.
    package func listen(backlog: Int32 = 65535) throws(SystemError) {
        try check("listen \(localName)") { Glibc.listen(fileDescriptor, backlog) }
    }

    /// Waits for a connection to this listener.
    package func accept() throws(SystemError) -> TCPSocket {
        let peer = TCPSocket(
            owning: try check("accept \(localName)") { Glibc.accept(fileDescriptor, nil, nil) })
        try check("fcntl FD_CLOEXEC") { fcntl(peer.fileDescriptor, F_SETFD, FD_CLOEXEC) }
        return peer
    }

    /// Connects and waits until the connection is established or has failed.
    package func connect(to endpoint: Endpoint) throws(SystemError) {
        // The kernel goes on with an interrupted connect: calling it again would be an error.
        if try !startConnect(to: endpoint) { _ = try hasFinished(to: endpoint, within: -1) }
    }

    /// Begins to connect a non-blocking socket; a connection still in progress is a success.
    ///
    /// - Returns: whether it is established.
    @discardableResult
    package func startConnect(to endpoint: Endpoint) throws(SystemError) -> Bool {
        let result = unsafe endpoint.withSocketAddress { name, length in
            unsafe Glibc.connect(fileDescriptor, name, length)
        }
        // The path without failure builds no text.
        guard result != 0, case let code = errno else { return true }
        guard code == EINPROGRESS || code == EINTR else {
            throw SystemError("connect \(endpoint)", errno: code)
        }
        return false
    }

    /// Waits up to `milliseconds` (-1: for ever) for the end of what `startConnect` began. Returns
    /// whether it is established, false if it is still under way, or throws why it failed.
    package func hasFinished(
        to endpoint: Endpoint, within milliseconds: Int32
    ) throws(SystemError) -> Bool {
        guard try wait(for: POLLOUT, milliseconds: milliseconds) != 0 else { return false }
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        // SAFETY: the kernel writes `length` bytes at most.
        try check("getsockopt SO_ERROR") {
            unsafe getsockopt(fileDescriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        }
        guard code == 0 else { throw SystemError("connect \(endpoint)", errno: code) }
        return true
    }

    /// Breaks the association with the peer, so that the socket can be used again (AF_UNSPEC).
    package func disconnect() throws(SystemError) {
        var name = sockaddr()
        name.sa_family = sa_family_t(AF_UNSPEC)
        let length = socklen_t(MemoryLayout<sockaddr>.size)
        // SAFETY: the kernel reads `length` bytes, which is all of the name.
        try check("connect AF_UNSPEC") { unsafe Glibc.connect(fileDescriptor, &name, length) }
    }

    /// Writes `byteCount` zero bytes; at a peer that is gone it throws EPIPE, without a signal.
    package func write(_ byteCount: Int) throws(SystemError) {
        let zeros = [UInt8](repeating: 0, count: min(max(byteCount, 0), 65536))
        var remaining = byteCount
        while remaining > 0 {
            let flags = Int32(MSG_NOSIGNAL)
            remaining -= try check("send \(byteCount) bytes") {
                // SAFETY: at most `zeros.count` bytes are read from the array.
                unsafe send(fileDescriptor, zeros, min(remaining, zeros.count), flags)
            }
        }
    }

    /// Sends FIN; the socket can still receive.
    package func shutdownWrite() throws(SystemError) {
        try shutdown(Int32(SHUT_WR))
    }

    /// Ends one direction or, of a listener, both: an `accept` that waits in another thread throws
    /// EINVAL at once.
    func shutdown(_ direction: Int32) throws(SystemError) {
        try check("shutdown \(localName)") { Glibc.shutdown(fileDescriptor, direction) }
    }

    /// Reads, and drops, what the peer sends until it closes its side.
    package func waitForEnd() throws(SystemError) {
        try check("read") {
            // SAFETY: the kernel writes within the allocation, from which nothing is read.
            unsafe withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) {
                while true {
                    let count = unsafe read(fileDescriptor, $0.baseAddress, $0.count)
                    if count <= 0 { return count }
                }
            }
        }
    }

    /// False while a connect() is under way, or what was written waits for the peer.
    package var isWritable: Bool {
        get throws(SystemError) { try wait(for: POLLOUT, milliseconds: 0) != 0 }
    }

    /// Waits up to `milliseconds` (-1: for ever) for poll events, and returns those that came.
    func wait(for events: Int32, milliseconds: Int32) throws(SystemError) -> Int32 {
        var request = pollfd(fd: fileDescriptor, events: Int16(events), revents: 0)
        // SAFETY: the kernel reads and writes the one request.
        try check("poll") { unsafe poll(&request, 1, milliseconds) }
        return Int32(request.revents)
    }

    /// Ends the connection with RST and frees its port at once.
    package consuming func abort() throws(SystemError) {
        try setLingerZero()
        try close()
    }

    /// Closes now, in place of at the end of the owner's scope.
    package consuming func close() throws(SystemError) {
        let result = Glibc.close(fileDescriptor)
        discard self
        guard result == 0 else { throw SystemError("close", errno: errno) }
    }

    /// The endpoint that the socket is bound to; port 0 before it has one.
    package var localEndpoint: Endpoint {
        get throws(SystemError) {
            guard let name = try IPAddress.ofSocket(fileDescriptor) else {
                throw SystemError("getsockname", errno: EAFNOSUPPORT)
            }
            return Endpoint(address: name.address, port: name.port, isIPv6: name.isV6)
        }
    }

    /// The port of `localEndpoint`, 0 before the socket has one.
    package var localPort: UInt16 {
        get throws(SystemError) { try localEndpoint.port }
    }

    /// For error texts only.
    private var localName: String {
        (try? localEndpoint.description) ?? "socket \(fileDescriptor)"
    }
}

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

    /// `Value` is the plain C type that the option takes.
    func set<Value: BitwiseCopyable>(
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
