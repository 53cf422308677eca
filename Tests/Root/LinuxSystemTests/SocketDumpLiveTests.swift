import Foundation
import LoadGenerator
import PortModel
import Testing

@testable import LinuxSystem

/// The dump against `ss`, in a private network namespace: also on other kernels.
@Suite struct SocketDumpLiveTests {
    private struct Row: Hashable {
        var state: String
        var local: IPAddress
        var localPort: UInt16
        var remote: IPAddress
        var remotePort: UInt16
    }

    private static let names: [KernelSocket.State: String] = [
        .established: "ESTAB", .synSent: "SYN-SENT", .synReceived: "SYN-RECV",
        .finWait1: "FIN-WAIT-1", .finWait2: "FIN-WAIT-2", .timeWait: "TIME-WAIT",
        .closeWait: "CLOSE-WAIT", .lastAck: "LAST-ACK", .listen: "LISTEN", .closing: "CLOSING",
    ]

    /// What `ss` says, less the sockets that are bound only, which not every `ss` shows.
    private static func ss(_ options: String) throws -> [Row: Int] {
        let process = Foundation.Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/ss")
        process.arguments = [options]
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        var rows: [Row: Int] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            try #require(columns.count >= 5, "\(line)")
            if columns[0] == "UNCONN" { continue }
            let (local, localPort) = try end(columns[3])
            let (remote, remotePort) = try end(columns[4])
            let row = Row(
                state: String(columns[0]), local: local, localPort: localPort, remote: remote,
                remotePort: remotePort)
            rows[row, default: 0] += 1
        }
        return rows
    }

    /// `127.0.0.1:80`, `[::1]:80`, `*:*`
    private static func end(_ text: Substring) throws -> (IPAddress, UInt16) {
        let colon = try #require(text.lastIndex(of: ":"))
        let port = text[text.index(after: colon)...]
        let address = text[..<colon].filter { $0 != "[" && $0 != "]" }
        return (
            address == "*" ? IPAddress(high: 0, low: 0) : try #require(IPAddress(String(address))),
            port == "*" ? 0 : try #require(UInt16(port))
        )
    }

    private static func rows(_ sockets: [KernelSocket]) -> [Row: Int] {
        var rows: [Row: Int] = [:]
        for socket in sockets {
            guard let state = names[socket.state] else { continue }
            let row = Row(
                state: state, local: socket.local, localPort: socket.localPort,
                remote: socket.remote, remotePort: socket.remotePort)
            rows[row, default: 0] += 1
        }
        return rows
    }

    @Test(arguments: ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    func eachStateOfBothFamilies(address: String) throws {
        try PrivateNamespace.run(settings: ["ipv4/ip_local_port_range": "40000 40999"]) {
            let server = try Endpoint(address, port: 41000)
            let listener = try TCPSocket(family: server)
            try listener.bind(to: server)
            try listener.listen()
            func connect() throws -> TCPSocket {
                let client = try TCPSocket(family: server)
                try client.connect(to: server)
                return client
            }
            let client = try connect()
            let peer = try listener.accept()
            let halfClosed = try connect()
            let halfClosedPeer = try listener.accept()
            try halfClosed.shutdownWrite()
            let closed = try connect()
            let closedPeer = try listener.accept()
            try closed.shutdownWrite()
            try closedPeer.waitForEnd()
            try closedPeer.close()
            try closed.close()
            let bound = try TCPSocket(family: server)
            try bound.bind(to: server.with(port: 41001))

            // The last ACK of the half-closed one comes after a while.
            var dump = try SocketDump.read()
            for _ in 0..<100 where !dump.sockets.contains(where: { $0.state == .finWait2 }) {
                usleep(50_000)
                dump = try SocketDump.read()
            }
            #expect(dump.unknown == 0)
            #expect(Self.rows(dump.sockets) == (try Self.ss("-Htan")))
            #expect(Set(dump.sockets.map(\.cookie)).count == dump.sockets.count)
            #expect(dump.sockets.allSatisfy { $0.cookie != 0 && $0.uid == geteuid() })
            #expect(dump.sockets.allSatisfy { ($0.family == .v4) == !server.isIPv6 })

            // A listener, both ends of two connections, and a TIME_WAIT.
            let states = dump.sockets.map(\.state)
            #expect(states.count { $0 == .listen } == 1)
            #expect(states.count { $0 == .established } == 2)
            #expect(states.contains(.closeWait) && states.contains(.finWait2))
            let waits = dump.sockets.filter(\.isTimeWait)
            #expect(waits.map(\.state) == [.timeWait])
            #expect(waits.allSatisfy { (50_000...60_000).contains($0.expires) && $0.inode == 0 })

            let boundOnes = dump.sockets.filter { $0.state == .bound }
            let release = KernelVersion(release: Host().kernel)
            let expected: [UInt16] = release >= KernelVersion(major: 6, minor: 8) ? [41001] : []
            #expect(boundOnes.map(\.localPort) == expected)

            let listening = try SocketDump.read(SocketDump.States(.listen)).sockets
            #expect(Self.rows(listening) == (try Self.ss("-Htln")))
            #expect(listening.count == 1)

            // Each socket that is open is this process's.
            let inodes = Set(dump.sockets.map(\.inode)).subtracting([0])
            let owners = ProcessList().owners(of: inodes)
            #expect(Set(owners.keys) == inodes)
            #expect(Set(owners.values.map(\.pid)) == [UInt32(getpid())])
            try client.abort()
            try peer.close()
            try halfClosed.close()
            try halfClosedPeer.close()
            try listener.close()
            try bound.close()
        }
    }

    /// More than one datagram, and both families at once.
    @Test func manySockets() throws {
        try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
            var load = ConnectLoop(destinations: Endpoint.loopback(count: 8, port: 80))
            load.connections = 5000
            #expect(try load.run().opened == 5000)
            let v6 = try TCPSocket(family: try Endpoint("::1", port: 0))
            try v6.bind(to: try Endpoint("::1", port: 81))
            try v6.listen()
            let dump = try SocketDump.read()
            let expected = try Self.ss("-Htan")
            #expect(Self.rows(dump.sockets) == expected)
            #expect(dump.sockets.count(where: \.isTimeWait) > 4500)
            #expect(dump.sockets.contains { $0.family == .v6 && $0.state == .listen })
            try v6.close()
        }
    }
}
