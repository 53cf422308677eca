import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// What exists at the start is in the counts: the client's ends, and only those.
    @Suite struct SeedTests {
        @Test(arguments: Family.allCases) func findsWhatExists(_ family: Family) throws {
            try PrivateNamespace.run {
                let server = try family.endpoint(Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server, reuseAddress: true)
                try listener.listen()
                // Established; bound to a port; bound to an address only.
                let plain = try TCPSocket(family: server)
                try plain.connect(to: server)
                let plainPeer = try listener.accept()
                let named = try TCPSocket(family: server)
                try named.bind(to: server.with(port: 45_010))
                try named.connect(to: server)
                let namedPeer = try listener.accept()
                let anyPort = try TCPSocket(family: server)
                try anyPort.bind(to: server.with(port: 0))
                try anyPort.connect(to: server)
                let anyPeer = try listener.accept()
                try anyPort.write(1000)
                // The client's TIME_WAIT, and the server's.
                let first = try TCPSocket(family: server)
                try first.connect(to: server)
                let firstPeer = try listener.accept()
                try first.close()
                try firstPeer.waitForEnd()
                try firstPeer.close()
                let second = try TCPSocket(family: server)
                try second.connect(to: server)
                let secondPeer = try listener.accept()
                try secondPeer.shutdownWrite()
                try second.waitForEnd()
                try second.close()
                try secondPeer.close()

                let kernel = try KernelTable()
                let held = kernel.clients(of: [Int(Scene.port)])
                #expect(held.values.first?.count == 4)
                #expect(kernel.rows.contains { $0.state == "TIME-WAIT" && $0.localPort == 8080 })

                let tracer = try Tracer()
                let ticks = try tracer.wait("a tick") { $0.contains { $0.name == "tick" } }
                #expect(ticks.count { $0.name == "tick" } == 1)
                let tick = try #require(ticks.last { $0.name == "tick" })
                #expect(tick["held"] == 4 && tick["time_wait"] == 1)

                // What was found is followed to its end, with the process that has it open.
                try plainPeer.abort()
                let closes = try tracer.wait("a close") { $0.contains { $0.name == "close" } }
                let close = try #require(closes.last { $0.name == "close" })
                #expect(close["pid"] == Int(getpid()))
                #expect(close["lived_us"] as Int? == nil)
                try named.abort()
                try tracer.wait("both closed") { $0.count { $0.name == "close" } == 2 }

                let now = try KernelTable().clients(of: [Int(Scene.port)])
                let summary = try tracer.stop()
                #expect(summary.heldAtEnd == now.mapValues(\.count))
                #expect(summary.total("opened") == 0)
                try plain.close()
                try namedPeer.close()
                try anyPort.close()
                try anyPeer.close()
            }
        }

        /// Traffic while the snapshot is taken: nothing is missed and nothing counted twice.
        @Test func startsInTheMiddleOfTraffic() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let load = Process()
                load.executableURL = portgauge
                load.arguments = [
                    "load", "--in-place", "--connections", "20000", "--rate", "8000",
                    "--destinations", "8",
                ]
                load.standardOutput = Pipe()
                try load.run()
                Foundation.Thread.sleep(forTimeInterval: 1)
                let tracer = try Tracer(["--events", "failures"])
                load.waitUntilExit()
                #expect(load.terminationStatus == 0)
                Foundation.Thread.sleep(forTimeInterval: 0.2)
                let kernel = try KernelTable().clients(of: [8080])
                let summary = try tracer.stop()
                // In an emulated machine the first TIME_WAITs end meanwhile.
                let after = try KernelTable().clients(of: [8080])
                for (tuple, ports) in kernel {
                    let held = summary.heldAtEnd[tuple] ?? 0
                    #expect(held <= ports.count && held >= after[tuple]?.count ?? 0, "\(tuple)")
                }
                #expect(Set(summary.heldAtEnd.keys).isSubset(of: kernel.keys))
                #expect(kernel.values.map(\.count).reduce(0, +) > 10_000)
                #expect(summary.event["lost"] == 0)
            }
        }

        @Test func filtersChooseAmongWhatExists() throws {
            try PrivateNamespace.run {
                let server = try Endpoint("127.0.0.1", port: Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen()
                let client = try TCPSocket(family: server)
                try client.connect(to: server)
                for (filter, held) in [
                    (["--pid", "\(getpid())"], 1), (["--pid", "1"], 0),
                    (["--remote", "127.0.0.0/8:8080"], 1), (["--remote", "127.0.0.1:81"], 0),
                    (["--remote", "::1"], 0),
                ] {
                    let summary = try Tracer(["--events", "failures"] + filter).stop()
                    #expect(summary.total("held") == held, "\(filter)")
                }
                try client.close()
            }
        }
    }
}
