import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// What random operations have found, each as small as it gets.
    @Suite struct FoundTests {
        private static let twoPorts = [
            "ipv4/ip_local_port_range": "40000 40001", "ipv4/tcp_tw_reuse": "0",
        ]

        /// A connect() without an answer holds its port, also while the tuple holds more ports than
        /// the range has, because some were bound outside of it.
        @Test func unansweredBesidePortsOutsideTheRange() throws {
            let (kernel, tracer) = try PrivateNamespace.run(settings: Self.twoPorts) {
                let server = try Endpoint("127.0.0.1", port: Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen(backlog: 1)
                let tracer = try Tracer()
                let first = try TCPSocket(family: server)
                try first.bind(to: server.with(port: 45_001))
                try first.connect(to: server)
                let second = try TCPSocket(family: server)
                try second.bind(to: server.with(port: 45_002))
                try second.connect(to: server)
                let client = try TCPSocket(family: server, nonblocking: true)
                try client.startConnect(to: server)
                try #require(KernelTable().rows.contains { $0.state == "SYN-SENT" })
                let kernel = try KernelTable().clients(of: [Int(Scene.port)]).mapValues(\.count)
                let netns = String(try PrivateNamespace.currentInode())
                _ = tracer.wait(on: netns, seconds: 20) { $0.counts == kernel }
                let counts = tracer.view(of: netns).counts
                try client.close()
                return (kernel, counts)
            }
            #expect(kernel.values.first == 3)
            #expect(tracer == kernel)
        }

        /// shutdown() of a socket that is not connected leaves its mark there.
        @Test func failureAfterShutdown() throws {
            let summary = try PrivateNamespace.run(settings: Self.twoPorts) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(2)
                let client = try TCPSocket(family: scene.server)
                #expect(throws: SystemError.self) { try client.shutdownWrite() }
                let error = #expect(throws: SystemError.self) {
                    try client.connect(to: scene.server)
                }
                #expect(error?.errno == EADDRNOTAVAIL)
                return try scene.tracer.stop()
            }
            #expect(summary.total("opened") == 2)
            #expect(summary.total("failed") == 1)
        }

        /// A listener on the same port, but of another address, is not where the connection of a
        /// TIME_WAIT came in.
        @Test(arguments: [false, true])
        func timeWaitBesideAListenerElsewhere(isBound: Bool) throws {
            let (kernel, tracer) = try PrivateNamespace.run(settings: Self.twoPorts) {
                let server = try Endpoint("127.0.0.1", port: Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen()
                let client = try TCPSocket(family: server)
                if isBound { try client.bind(to: server.with(port: 40_000), reuseAddress: true) }
                try client.connect(to: server)
                let port = try client.localPort
                let peer = try listener.accept()
                try client.close()
                try peer.waitForEnd()
                try peer.close()
                let other = try Endpoint("127.0.0.2", port: port)
                let elsewhere = try TCPSocket(family: other)
                try elsewhere.bind(to: other, reuseAddress: true)
                try elsewhere.listen()
                let kernel = try KernelTable().clients(of: [Int(Scene.port)]).mapValues(\.count)
                return (kernel, try Tracer().stop().heldAtEnd)
            }
            #expect(kernel.values.first == 1)
            #expect(tracer == kernel)
        }
    }
}
