import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// Who connected, of sockets that were there before the tracer, or that it has lost records of.
    @Suite struct OriginTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40999", "ipv4/tcp_tw_reuse": "0",
            // Else the kernel drops a TIME_WAIT when something comes in for it.
            "ipv4/tcp_rfc1337": "1",
        ]

        private static func listener(
            _ port: UInt16 = 18_998, on address: String = "127.0.0.1"
        ) throws -> Kept {
            let server = try Endpoint(address, port: port)
            let listener = try TCPSocket(family: server)
            try listener.bind(to: server, reuseAddress: true)
            try listener.listen()
            return Kept(listener)
        }

        /// Connections whose client has bound a port before, and closes first.
        private static func leaveBoundTimeWaits(
            _ count: Int, from address: String = "127.0.0.3", to listener: Kept
        ) throws {
            let server = try listener.socket.localEndpoint
            let local = try Endpoint(address, port: 0)
            for _ in 0..<count {
                let client = try TCPSocket(family: server)
                try client.bind(to: local)
                try client.connect(to: server)
                let peer = try listener.socket.accept()
                try client.close()
                try peer.waitForEnd()
                try peer.close()
            }
        }

        /// What a server leaves that has closed first, once its listener is gone: TIME_WAITs, and a
        /// FIN_WAIT2 whose client does not close.
        @Test func aServerThatIsGoneHasNotConnected() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                var clients: [Kept] = []
                do {
                    let listener = try Self.listener(18_999)
                    let server = try listener.socket.localEndpoint
                    for index in 0..<20 {
                        let client = try TCPSocket(family: server)
                        try client.connect(to: server)
                        try listener.socket.accept().close()
                        try client.waitForEnd()
                        if index < 15 { try client.close() } else { clients.append(Kept(client)) }
                    }
                }
                #expect(
                    try KernelTable().rows.count { $0.isTimeWait && $0.localPort == 18_999 } >= 15)
                let snapshot = try run(portgauge.path, ["snapshot", "--output", "json"])
                let tracer = try Tracer(["--events", "failures", "--audit", "0.2"])
                Foundation.Thread.sleep(forTimeInterval: 1)
                let summary = try tracer.stop()
                // Those of the clients that did not close are CLOSE_WAITs, and outgoing.
                let kernel = try KernelTable().clients(of: [18_999]).mapValues(\.count)
                #expect(summary.heldAtEnd == kernel && kernel.values.first == 5)
                #expect(summary.tuples.count == 1)
                #expect(summary.event["largest_drift"] == 0)
                #expect(!snapshot.output.contains(#""remote_port":40"#))
                #expect(clients.count == 5)
            }
        }

        /// Another network namespace may listen on the same port numbers.
        @Test func aListenerElsewhereChangesNothing() throws {
            let elsewhere = try PrivateNamespace.run {
                try (UInt16(40_000)...40_063).map { try Self.listener($0, on: "0.0.0.0") }
            }
            var settings = Self.settings
            settings["ipv4/ip_local_port_range"] = "40000 40063"
            try PrivateNamespace.run(settings: settings) {
                let listener = try Self.listener()
                try Self.leaveBoundTimeWaits(28, to: listener)
                let tracer = try Tracer(["--events", "failures", "--audit", "0.2"])
                Foundation.Thread.sleep(forTimeInterval: 1)
                let summary = try tracer.stop()
                let kernel = try KernelTable().clients(of: [18_998]).mapValues(\.count)
                #expect(summary.heldAtEnd == kernel && kernel.values.first == 28)
                #expect(summary.event["largest_drift"] == 0)
            }
            #expect(elsewhere.count == 64)
        }

        /// The same after a loss, of which the tracer learns nothing but the table.
        @Test func aLossIsMadeUpFor() throws {
            let elsewhere = try PrivateNamespace.run {
                try (UInt16(40_000)...40_999).map { try Self.listener($0, on: "0.0.0.0") }
            }
            try PrivateNamespace.run(settings: Self.settings) {
                let listener = try Self.listener()
                let tracer = try Tracer([
                    "--events", "failures", "--audit", "0.5", "--ring-size", "16k",
                ])
                kill(tracer.processIdentifier, SIGSTOP)
                try Self.leaveBoundTimeWaits(300, to: listener)
                kill(tracer.processIdentifier, SIGCONT)
                try tracer.waitAnywhere("a loss") { $0.contains { $0.name == "lost" } }
                Foundation.Thread.sleep(forTimeInterval: 2)
                let summary = try tracer.stop()
                let kernel = try KernelTable().clients(of: [18_998]).mapValues(\.count)
                #expect(summary.heldAtEnd == kernel && kernel.values.first == 300)
            }
            #expect(elsewhere.count == 1000)
        }
    }
}
