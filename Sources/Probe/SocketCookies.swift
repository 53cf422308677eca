import CPortgauge
import Glibc

/// Makes the cookies of the sockets that exist, for kernels in which the snapshot cannot.
enum SocketCookies {
    private struct Request: BitwiseCopyable {
        var header = nlmsghdr()
        var body = inet_diag_req_v2()
    }

    /// Asks sock_diag for the TCP sockets of this network namespace: it numbers what it tells of, and
    /// what it tells is of no interest here.
    static func make() throws(ProbeError) {
        for family in [AF_INET, AF_INET6] { try dump(family) }
    }

    private static func dump(_ family: Int32) throws(ProbeError) {
        let remedy = "load the kernel modules inet_diag and tcp_diag"
        let socket = FileDescriptor(
            owning: try check(
                socket(AF_NETLINK, Int32(SOCK_RAW.rawValue) | O_CLOEXEC, NETLINK_SOCK_DIAG),
                "list sockets", remedy: remedy))
        var request = Request()
        request.header.nlmsg_len = UInt32(MemoryLayout<Request>.size)
        request.header.nlmsg_type = UInt16(SOCK_DIAG_BY_FAMILY)
        request.header.nlmsg_flags = UInt16(NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH)
        request.body.sdiag_family = UInt8(family)
        request.body.sdiag_protocol = UInt8(IPPROTO_TCP)
        // Neither LISTEN nor NEW_SYN_RECV.
        request.body.idiag_states = ~(1 << 10 | 1 << 12)
        // Without an address it goes to the kernel.
        try check(
            Int32(unsafe send(socket.raw, &request, MemoryLayout<Request>.size, 0)),
            "list sockets", remedy: remedy)

        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            let count = unsafe recv(socket.raw, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            try check(Int32(count), "list sockets", remedy: remedy)
            // The end and an error come as a message of their own, or as the last of several.
            var offset = 0
            while offset + MemoryLayout<nlmsghdr>.size <= count {
                let header = unsafe buffer.withUnsafeBytes {
                    unsafe $0.loadUnaligned(fromByteOffset: offset, as: nlmsghdr.self)
                }
                if header.nlmsg_type == UInt16(NLMSG_DONE) { return }
                if header.nlmsg_type == UInt16(NLMSG_ERROR) {
                    throw ProbeError("list sockets", errno: ENOENT, remedy: remedy)
                }
                offset += (max(Int(header.nlmsg_len), 16) + 3) & ~3
            }
            if count == 0 { return }
        }
    }
}
