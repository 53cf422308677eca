import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// A failure says in which states the ports are held.
    @Suite struct HeldByTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40031", "ipv4/tcp_tw_reuse": "0",
        ]

        /// The failures, after an alert that all ports are used.
        private func failures(_ tracer: Tracer, _ count: Int) throws -> [Event] {
            let events = try tracer.wait("all failures") {
                $0.filter { $0.name == "failure" }.reduce(0) { $0 + ($1["count"] ?? 0) } == count
            }
            let first = try #require(events.firstIndex { $0.name == "failure" })
            #expect(events[..<first].contains { $0.name == "alert" && $0["level"] == 90 })
            return events.filter { $0.name == "failure" }
        }

        /// SYNs that nobody answers, as the queue of the listener is full: from there on the port is held.
        @Test func unanswered() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let server = try Family.v4.endpoint(Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen(backlog: 0)
                let tracer = try Tracer()
                var sockets: [Kept] = []
                var refused = 0
                for _ in 0..<50 {
                    let socket = try TCPSocket(family: server, nonblocking: true)
                    do { try socket.startConnect(to: server) } catch { refused += 1 }
                    sockets.append(Kept(socket))
                }
                #expect(refused == 18)
                for failure in try failures(tracer, 18) {
                    #expect(failure["held"] == 32 && failure["available"] == 0, "\(failure)")
                    #expect(failure["cause"] == "exhausted", "\(failure)")
                    let holders: [String: Int] = failure["held_by"] ?? [:]
                    #expect(holders.values.reduce(0, +) == 32, "\(failure)")
                    #expect(holders["SYN_SENT"] ?? 0 >= 30, "\(failure)")
                }
                _ = try tracer.stop()
                #expect(sockets.count == 50)
                try listener.close()
            }
        }

        /// The peer does not close: FIN_WAIT2, also when a TIME_WAIT object stands for it.
        @Test(arguments: [true, false]) func halfClosed(isOpen: Bool) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let scene = try Scene(.v4)
                var kept: [Kept] = []
                for _ in 0..<32 {
                    let client = try scene.client()
                    kept.append(Kept(try scene.listener.accept()))
                    if isOpen {
                        try client.shutdownWrite()
                        kept.append(Kept(client))
                    } else {
                        try client.close()
                    }
                }
                // An acknowledgement may be delayed.
                Foundation.Thread.sleep(forTimeInterval: 0.2)
                let client = try TCPSocket(family: scene.server)
                let server = scene.server
                #expect(throws: SystemError.self) { try client.connect(to: server) }
                let failure = try failures(scene.tracer, 1)[0]
                #expect(failure["held"] == 32, "\(failure)")
                #expect(failure["held_by"] == ["FIN_WAIT2": 32], "\(failure)")
                _ = try scene.tracer.stop()
                #expect(kept.count >= 32)
            }
        }
    }
}
