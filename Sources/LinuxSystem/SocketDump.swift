import CPortgauge
import Glibc
import PortModel

/// The TCP sockets of the network namespace that this thread is in, as sock_diag lists them. It needs
/// no rights.
///
/// The kernel walks its tables bit by bit while traffic goes on: a socket that changes its state
/// meanwhile can be listed twice, or not at all.
package struct SocketDump: Sendable {
    /// Sockets of both families, in the kernel's order: listening, bound, then all others.
    package private(set) var sockets: [KernelSocket] = []
    /// Sockets listed that are of a family or in a state that is not known here.
    package private(set) var unknown = 0

    /// TCP states, a bit each, as the kernel numbers them.
    package struct States: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package init(_ state: KernelSocket.State) { self.init(rawValue: 1 << state.rawValue) }

        package static let all = States(rawValue: ~(1 << closed))
    }

    /// The last message was there.
    private(set) var hasEnded = false
    /// The kernel says that its walk was disturbed, or that messages were lost.
    private(set) var wasDisturbed = false

    init() {}

    /// Lists the sockets in any of `states`. A state that the kernel does not know has none.
    package static func read(_ states: States = .all) throws(SystemError) -> SocketDump {
        for _ in 1..<attempts {
            let dump = try SocketDump(walking: states, isLast: false)
            if !dump.wasDisturbed { return dump }
        }
        // Disturbed as well or not, each line of it is true, as much as sock_diag promises.
        return try SocketDump(walking: states, isLast: true)
    }

    /// Gives each connection of this network namespace its cookie, as sock_diag does to all that it
    /// lists: for kernels in which a hook cannot.
    package static func makeCookies() throws(SystemError) {
        _ = try read(.all.subtracting([States(.listen), States(.newSynReceived)]))
    }

    // MARK: Netlink

    private static let remedy = "load the kernel modules inet_diag and tcp_diag"
    private static let attempts = 4
    static let sequence: UInt32 = 1

    /// - Parameter isLast: it is not tried again, whatever happens.
    private init(walking states: States, isLast: Bool) throws(SystemError) {
        let socket = try FileDescriptor.socket(
            AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG, for: "list sockets", remedy: Self.remedy)
        try Self.ask(for: states, of: socket)
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        while !hasEnded {
            // SAFETY: the kernel writes within the array.
            let count = retrying {
                unsafe recv(socket.raw, &buffer, buffer.count, Int32(MSG_TRUNC))
            }
            if count < 0 {
                guard errno == ENOBUFS, !isLast else { throw Self.failure(errno) }
                wasDisturbed = true
                return
            }
            // The kernel makes its messages to fit 32 KiB.
            guard count <= buffer.count else { throw Self.bug(EMSGSIZE) }
            try take(buffer[..<count])
        }
    }

    private struct Request: BitwiseCopyable {
        var header = nlmsghdr()
        var body = inet_diag_req()
    }

    private static func ask(
        for states: States, of socket: borrowing FileDescriptor
    ) throws(SystemError) {
        var request = Request()
        request.header.nlmsg_len = UInt32(MemoryLayout<Request>.size)
        // The older form of the request: only it asks for both families in one walk.
        request.header.nlmsg_type = UInt16(TCPDIAG_GETSOCK)
        request.header.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
        request.header.nlmsg_seq = sequence
        request.body.idiag_states = states.rawValue
        // Without an address it goes to the kernel.
        try check("list sockets", remedy: remedy) {
            // SAFETY: the request is plain integers, and is read during the call.
            unsafe send(socket.raw, &request, MemoryLayout<Request>.size, 0)
        }
    }

    /// Takes a datagram: any number of messages, each padded to four bytes.
    ///
    /// - Throws: the kernel's own error, or EBADMSG for what is cut short or no message at all.
    mutating func take(_ datagram: ArraySlice<UInt8>) throws(SystemError) {
        var rest = datagram
        if rest.isEmpty { throw Self.bug(EBADMSG) }
        while !rest.isEmpty {
            guard let header = rest.load(nlmsghdr.self),
                case let length = Int(header.nlmsg_len),
                length >= MemoryLayout<nlmsghdr>.size, length <= rest.count
            else { throw Self.bug(EBADMSG) }
            let payload = rest.prefix(length).dropFirst(MemoryLayout<nlmsghdr>.size)
            rest = rest.dropFirst((length + 3) & ~3)
            // An answer to somebody else's question.
            guard header.nlmsg_seq == Self.sequence else { continue }
            if header.nlmsg_flags & UInt16(NLM_F_DUMP_INTR) != 0 { wasDisturbed = true }
            switch Int32(header.nlmsg_type) {
            case NLMSG_DONE:
                hasEnded = true
                // Kernels before 4.14 say nothing there.
                if let result = payload.load(Int32.self), result < 0 {
                    throw Self.failure(0 &- result)
                }
                return
            case NLMSG_ERROR:
                guard let result = payload.load(Int32.self), result <= 0 else {
                    throw Self.bug(EBADMSG)
                }
                // 0 is an acknowledgement.
                if result < 0 { throw Self.failure(0 &- result) }
            case NLMSG_OVERRUN: wasDisturbed = true
            case TCPDIAG_GETSOCK, SOCK_DIAG_BY_FAMILY:
                guard let message = payload.load(inet_diag_msg.self) else {
                    throw Self.bug(EBADMSG)
                }
                if let socket = KernelSocket(message) {
                    sockets.append(socket)
                } else {
                    unknown += 1
                }
            default: break
            }
        }
    }

    private static func bug(_ errno: Int32) -> SystemError {
        SystemError("list sockets", errno: errno, remedy: "please report this")
    }

    private static func failure(_ errno: Int32) -> SystemError {
        SystemError("list sockets", errno: errno, remedy: remedy)
    }
}

/// TCP_CLOSE, the state of a socket that is bound only.
private let closed: UInt8 = 7

extension ArraySlice<UInt8> {
    /// The first bytes as a C structure, in which any bytes are a value; nil if there are too few.
    fileprivate func load<Value: BitwiseCopyable>(_: Value.Type) -> Value? {
        guard count >= MemoryLayout<Value>.size else { return nil }
        // SAFETY: there are enough bytes.
        return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(as: Value.self) }
    }
}

extension KernelSocket {
    /// Fails for a family or a state that is not known.
    init?(_ message: inet_diag_msg) {
        let isV4 = message.idiag_family == UInt8(AF_INET)
        // TCP_BOUND_INACTIVE is what they are asked for by, but not what is said of them.
        let number = message.idiag_state == closed ? State.bound.rawValue : message.idiag_state
        guard isV4 || message.idiag_family == UInt8(AF_INET6), let state = State(rawValue: number)
        else { return nil }
        let id = message.id
        self.init(
            family: isV4 ? .v4 : .v6, state: state, timer: message.idiag_timer,
            local: IPAddress(id.idiag_src, isV4: isV4),
            localPort: UInt16(bigEndian: id.idiag_sport),
            remote: IPAddress(id.idiag_dst, isV4: isV4),
            remotePort: UInt16(bigEndian: id.idiag_dport), device: id.idiag_if,
            uid: message.idiag_uid,
            inode: message.idiag_inode,
            cookie: UInt64(id.idiag_cookie.1) << 32 | UInt64(id.idiag_cookie.0),
            expires: message.idiag_expires)
    }
}

extension IPAddress {
    /// - Parameter words: in network order; only the first counts if it is IPv4.
    fileprivate init(_ words: (UInt32, UInt32, UInt32, UInt32), isV4: Bool) {
        // SAFETY: both are 16 plain bytes, of which every pattern is a valid value.
        self =
            unsafe isV4
            ? IPAddress(v4: UInt32(bigEndian: words.0))
            : IPAddress(unsafeBitCast(words, to: in6_addr.self))
    }
}
