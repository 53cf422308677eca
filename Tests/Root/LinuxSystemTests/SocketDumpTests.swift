import CPortgauge
import Glibc
import PortModel
import TestSupport
import Testing

@testable import LinuxSystem

/// Whatever comes out of a netlink socket.
@Suite struct SocketDumpTests {
    /// A message as the kernel makes it, padded.
    private func message(
        _ type: Int32, _ payload: [UInt8] = [], flags: Int32 = 0,
        sequence: UInt32 = SocketDump.sequence, claimed: Int? = nil
    ) -> [UInt8] {
        var header = nlmsghdr()
        let size = MemoryLayout<nlmsghdr>.size
        header.nlmsg_len = UInt32(claimed ?? size + payload.count)
        header.nlmsg_type = UInt16(type)
        header.nlmsg_flags = UInt16(flags)
        header.nlmsg_seq = sequence
        let bytes = withUnsafeBytes(of: header) { Array($0) } + payload
        return bytes + Array(repeating: 0, count: -bytes.count & 3)
    }

    private func bytes<Value>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }

    private func listed(_ change: (inout inet_diag_msg) -> Void = { _ in }) -> [UInt8] {
        var socket = inet_diag_msg()
        socket.idiag_family = UInt8(AF_INET)
        socket.idiag_state = 1
        change(&socket)
        return bytes(socket)
    }

    /// What is made of the datagrams: how many sockets, or which error.
    private func read(_ datagrams: [UInt8]...) -> (dump: SocketDump, Int32) {
        var dump = SocketDump()
        do throws(SystemError) {
            for datagram in datagrams { try dump.take(datagram[...]) }
        } catch {
            return (dump, error.errno)
        }
        return (dump, 0)
    }

    @Test func severalMessagesOfBothTypes() {
        let (dump, error) = read(
            message(TCPDIAG_GETSOCK, listed())
                + message(SOCK_DIAG_BY_FAMILY, listed() + [1, 2, 3]),
            message(TCPDIAG_GETSOCK, listed()) + message(NLMSG_DONE, bytes(Int32(0))))
        #expect(dump.sockets.count == 3 && dump.unknown == 0)
        #expect(dump.hasEnded && !dump.wasDisturbed && error == 0)
    }

    @Test func fields() throws {
        let v4 = listed {
            $0.id.idiag_sport = UInt16(40000).bigEndian
            $0.id.idiag_dport = UInt16(443).bigEndian
            $0.id.idiag_src = (UInt32(0x7f00_0001).bigEndian, 1, 2, 3)
            $0.id.idiag_dst = (UInt32(0x0a00_0009).bigEndian, 1, 2, 3)
            $0.id.idiag_cookie = (7, 1)
            $0.idiag_state = 6
            $0.idiag_timer = 3
            $0.idiag_expires = 59_000
            $0.idiag_uid = 1000
            $0.idiag_inode = .max
        }
        let v6 = listed {
            $0.idiag_family = UInt8(AF_INET6)
            $0.idiag_state = 13
            $0.id.idiag_src = (0, 0, UInt32(0xffff).bigEndian, UInt32(0x7f00_0001).bigEndian)
        }
        let sockets = read(message(TCPDIAG_GETSOCK, v4) + message(TCPDIAG_GETSOCK, v6)).dump.sockets
        let loopback = IPAddress(v4: 0x7f00_0001)
        #expect(
            sockets.first
                == KernelSocket(
                    state: .timeWait, timer: 3, local: loopback, localPort: 40000,
                    remote: IPAddress(v4: 0x0a00_0009), remotePort: 443, uid: 1000, inode: .max,
                    cookie: 1 << 32 | 7, expires: 59_000))
        #expect(
            sockets.last
                == KernelSocket(
                    family: .v6, state: .bound, local: loopback, localPort: 0,
                    remote: IPAddress(high: 0, low: 0)))
        #expect(sockets.first?.isTimeWait == true && sockets.last?.isTimeWait == false)
    }

    @Test func whatIsNotKnownIsCounted() {
        let states = (0...255 as ClosedRange<UInt8>).map { state in
            message(TCPDIAG_GETSOCK, listed { $0.idiag_state = state })
        }
        let dump = read(states.flatMap { $0 }).dump
        // CLOSE is what the kernel says of a bound one.
        #expect(dump.sockets.map(\.state.rawValue) == Array(1...6) + [13] + Array(8...13))
        #expect(dump.unknown == 243)
        let family = read(message(TCPDIAG_GETSOCK, listed { $0.idiag_family = 77 })).dump
        #expect(family.sockets.isEmpty && family.unknown == 1)
    }

    @Test func errorsOfTheKernel() {
        #expect(
            read(message(NLMSG_ERROR, bytes(nlmsgerr(error: -ENOENT, msg: nlmsghdr())))).1 == ENOENT
        )
        #expect(read(message(NLMSG_ERROR, bytes(-EINVAL))).1 == EINVAL)
        #expect(read(message(NLMSG_ERROR, [1, 2, 3])).1 == EBADMSG)
        #expect(read(message(NLMSG_ERROR, bytes(Int32.min))).1 == .min)
        #expect(read(message(NLMSG_DONE, bytes(-ENOMEM))).1 == ENOMEM)
        let old = read(message(NLMSG_DONE))
        #expect(old.dump.hasEnded && old.1 == 0)
        let acknowledged = read(message(NLMSG_ERROR, bytes(Int32(0))))
        #expect(!acknowledged.dump.hasEnded && acknowledged.1 == 0)
    }

    @Test func disturbances() {
        let flag = NLM_F_DUMP_INTR
        #expect(read(message(TCPDIAG_GETSOCK, listed(), flags: flag)).dump.wasDisturbed)
        let done = read(message(NLMSG_DONE, bytes(Int32(0)), flags: flag)).dump
        #expect(done.wasDisturbed && done.hasEnded)
        #expect(read(message(NLMSG_OVERRUN)).dump.wasDisturbed)
    }

    @Test func answersToOthersAreLeftOut() {
        let (dump, error) = read(
            message(TCPDIAG_GETSOCK, listed(), sequence: 9)
                + message(NLMSG_DONE, bytes(Int32(0)), sequence: 9)
                + message(NLMSG_ERROR, bytes(-EPERM), sequence: 9) + message(NLMSG_NOOP))
        #expect(dump.sockets.isEmpty && !dump.hasEnded && error == 0)
    }

    @Test func whatIsCutShortIsAnError() {
        let whole = message(TCPDIAG_GETSOCK, listed())
        for count in 0..<whole.count {
            let (dump, error) = read(Array(whole.prefix(count)))
            #expect(error == EBADMSG && dump.sockets.isEmpty, "\(count) bytes")
        }
        for claimed in [0, 1, 15, 16, 17, whole.count - 1, whole.count + 1, 1 << 20, 0xffff_ffff] {
            let cut = read(message(TCPDIAG_GETSOCK, listed(), claimed: claimed))
            #expect(cut.1 == EBADMSG, "length \(claimed)")
        }
    }

    @Test(arguments: SeededGenerator.seeds(8)) func noiseIsNoTrap(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let types = [NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN, TCPDIAG_GETSOCK, 20]
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 0...120, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            var datagram = noise
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                datagram = message(types.randomElement(using: &random)!, noise) + datagram
            }
            if !datagram.isEmpty, random.chance(2) {
                let place = datagram.indices.randomElement(using: &random)!
                datagram[place] = UInt8.random(in: 0...255, using: &random)
            }
            let (dump, error) = read(datagram)
            #expect(dump.sockets.count <= 4 && error >= 0 || error == .min)
        }
    }

    @Test func linksOfDescriptors() {
        func inode(_ text: String) -> UInt32? {
            KernelFiles.number("socket", in: Array(text.utf8)[...])
        }
        #expect(inode("socket:[4294967295]") == .max)
        #expect(inode("socket:[0]") == 0)
        for text in [
            "", "socket:[", "socket:[]", "socket:[1", "socket:[+1]", "socket:[-1]", "socket:[ 1]",
            "socket:[4294967296]", "net:[1]", "pipe:[1]", "socket:[1]x", "/tmp/socket:[1]",
        ] { #expect(inode(text) == nil, "\(text)") }
    }
}
