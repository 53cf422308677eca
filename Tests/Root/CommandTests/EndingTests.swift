import Foundation
import LinuxSystem
import LoadGenerator
import Testing

/// The families a connection can be of; a `::ffff:` one shares its ports with IPv4.
enum Family: String, CaseIterable, Sendable {
    case v4 = "127.0.0.1"
    case v6 = "::1"
    case mapped = "::ffff:127.0.0.1"

    func endpoint(_ port: UInt16) throws -> Endpoint { try Endpoint(rawValue, port: port) }
}

/// A listener, the ports of its clients as the kernel has them, and the tracer beside.
struct Scene: ~Copyable {
    static let port: UInt16 = 8080
    let tracer: Tracer
    let server: Endpoint
    let listener: TCPSocket

    init(_ family: Family) throws {
        let server = try family.endpoint(Self.port)
        let listener = try TCPSocket(family: server)
        try listener.bind(to: server, reuseAddress: true)
        try listener.listen()
        tracer = try Tracer()
        self.server = server
        self.listener = listener
    }

    func client(boundTo port: UInt16? = nil) throws -> TCPSocket {
        let client = try TCPSocket(family: server)
        if let port { try client.bind(to: server.with(port: port), reuseAddress: true) }
        try client.connect(to: server)
        return client
    }

    /// A client closes its connections first, so that each leaves a TIME_WAIT.
    func leaveTimeWaits(_ count: Int) throws {
        for _ in 0..<count {
            let client = try client()
            let peer = try listener.accept()
            try client.close()
            try peer.waitForEnd()
            try peer.close()
        }
    }

    /// Waits until the tracer says what `ss` shows, port by port; at a point of rest.
    func compare(
        _ moment: String, ports: Set<Int> = [Int(port)], within seconds: Double = 5
    ) throws {
        var kernel: [TupleName: Set<Int>] = [:]
        let deadline = Date(timeIntervalSinceNow: seconds)
        repeat {
            kernel = try KernelTable().clients(of: ports)
            if tracer.heldPorts == kernel { return }
            Foundation.Thread.sleep(forTimeInterval: 0.02)
        } while Date() < deadline
        Issue.record(
            "\(moment): tracer \(tracer.heldPorts), kernel \(kernel)\n\(tracer.events.suffix(20))")
    }

    /// The same of the counts in the summary. Ends the tracer.
    func finish() throws {
        let kernel = try KernelTable().clients(of: [Int(Self.port)])
        let summary = try tracer.stop()
        #expect(summary.heldAtEnd == kernel.mapValues(\.count))
        #expect(summary.event["lost"] == 0)
    }
}

extension LiveTests {
    /// Each way in which a connection can end, for each family, with the kernel's own table beside.
    @Suite struct EndingTests {
        @Test(arguments: Family.allCases) func clientClosesFirst(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client()
                let peer = try scene.listener.accept()
                try scene.compare("established")
                try client.close()
                try peer.waitForEnd()
                try peer.close()
                try scene.compare("closed")
                #expect(try KernelTable().rows.contains { $0.state == "TIME-WAIT" })
                try scene.finish()
            }
        }

        @Test(arguments: Family.allCases) func serverClosesFirst(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client()
                try scene.listener.accept().close()
                try client.waitForEnd()
                try scene.compare("half-closed")
                try client.close()
                try scene.compare("closed")
                #expect(scene.tracer.heldPorts.isEmpty)
                try scene.finish()
            }
        }

        @Test(arguments: Family.allCases) func finWait2ThenTimeWait(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client()
                let peer = try scene.listener.accept()
                try client.close()
                try scene.compare("FIN_WAIT2")
                #expect(try KernelTable().rows.contains { $0.state == "FIN-WAIT-2" })
                // Long enough for the timer's slot to change, so that it is set again.
                Foundation.Thread.sleep(forTimeInterval: 2.5)
                try peer.close()
                try scene.compare("TIME_WAIT")
                #expect(scene.tracer.heldPorts.count == 1)
                #expect(!scene.tracer.events.contains { $0.name == "release" })
                try scene.finish()
            }
        }

        /// Both FINs are under way at once: loopback is down while the two ends close.
        @Test func simultaneousClose() throws {
            try PrivateNamespace.run {
                let scene = try Scene(.v4)
                let client = try scene.client()
                let peer = try scene.listener.accept()
                try run("/usr/sbin/ip", ["link", "set", "lo", "down"])
                try client.close()
                try peer.close()
                try scene.compare("FIN_WAIT1")
                try run("/usr/sbin/ip", ["link", "set", "lo", "up"])
                let deadline = Date(timeIntervalSinceNow: 30)
                while try KernelTable().rows.contains(where: { $0.state != "TIME-WAIT" }),
                    Date() < deadline
                {
                    Foundation.Thread.sleep(forTimeInterval: 0.1)
                }
                // Both ends, as neither closed first.
                #expect(try KernelTable().rows.map(\.state) == ["TIME-WAIT", "TIME-WAIT"])
                try scene.compare("TIME_WAIT")
                try scene.finish()
            }
        }

        /// A socket connected to itself opens and closes simultaneously, in one socket.
        @Test(arguments: [Family.v4, .v6]) func selfConnect(_ family: Family) throws {
            try PrivateNamespace.run {
                let tracer = try Tracer()
                let own = try family.endpoint(45_000)
                let socket = try TCPSocket(family: own)
                try socket.bind(to: own)
                try socket.connect(to: own)
                try tracer.wait("established") { $0.contains { $0.name == "established" } }
                #expect(tracer.heldPorts.values.first == [45_000])
                try socket.close()
                let closed = try tracer.wait("close") { $0.contains { $0.name == "close" } }
                #expect(closed.first { $0.name == "close" }?["time_wait"] == true)
                #expect(tracer.heldPorts == (try KernelTable().clients(of: [45_000])))
                #expect(tracer.heldPorts.count == 1)
                _ = try tracer.stop()
            }
        }

        @Test(arguments: Family.allCases) func resetByTheServer(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client()
                try scene.listener.accept().abort()
                try scene.compare("reset")
                #expect(scene.tracer.heldPorts.isEmpty)
                try client.close()
                try scene.compare("closed")
                try scene.finish()
            }
        }

        @Test(arguments: Family.allCases) func lingerZero(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client()
                let peer = try scene.listener.accept()
                try client.abort()
                try scene.compare("aborted")
                #expect(scene.tracer.heldPorts.isEmpty)
                try peer.close()
                try scene.finish()
            }
        }

        @Test(arguments: Family.allCases) func refused(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let nobody = scene.server.with(port: 9)
                let client = try TCPSocket(family: nobody)
                #expect(throws: SystemError.self) { try client.connect(to: nobody) }
                let events = try scene.tracer.wait("close") { $0.contains { $0.name == "close" } }
                let close = try #require(events.first { $0.name == "close" })
                #expect(close["error"] == "ECONNREFUSED")
                #expect(close["time_wait"] == false)
                let summary = try scene.tracer.stop()
                #expect(summary.total("opened") == 1 && summary.total("failed") == 0)
                #expect(summary.heldAtEnd.isEmpty)
                try client.close()
            }
        }

        /// The listener's queue is full, so that it does not answer: the port is held meanwhile.
        @Test func synTimeout() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_syn_retries": "1"]) {
                let server = try Endpoint("127.0.0.1", port: Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen(backlog: 0)
                let queued = try TCPSocket(family: server)
                try queued.connect(to: server)
                let tracer = try Tracer()
                let client = try TCPSocket(family: server, nonblocking: true)
                try client.startConnect(to: server)
                let table = try KernelTable()
                #expect(table.rows.contains { $0.state == "SYN-SENT" })
                // One before may tell of the other connection alone.
                let ticks = try tracer.wait("its tick") {
                    $0.contains { $0.name == "tick" && $0["opened"] == 1 }
                }
                let tick = ticks.last { $0.name == "tick" && $0["opened"] == 1 }
                #expect(tick?["held"] == table.clients(of: [Int(Scene.port)]).values.first?.count)
                let events = try tracer.wait("close") { $0.contains { $0.name == "close" } }
                #expect(events.last { $0.name == "close" }?["error"] == "ETIMEDOUT")
                #expect(
                    try tracer.stop().heldAtEnd
                        == KernelTable().clients(of: [Int(Scene.port)]).mapValues(\.count))
                try client.close()
                try queued.close()
            }
        }

        @Test func killedProcess() throws {
            try PrivateNamespace.run {
                let tracer = try Tracer()
                let victim = Process()
                let output = Pipe()
                victim.executableURL = portgauge
                victim.arguments = [
                    "load", "--in-place", "--hold", "--connections", "5", "--destinations", "1",
                    "--name", "victim",
                ]
                victim.standardInput = Pipe()
                victim.standardOutput = output
                try victim.run()
                let said = output.fileHandleForReading.availableData
                #expect(String(decoding: said, as: UTF8.self).hasPrefix("holding 5"))
                try tracer.wait("5 established") { $0.count { $0.name == "established" } == 5 }
                kill(victim.processIdentifier, SIGKILL)
                victim.waitUntilExit()
                try tracer.wait("5 closes") { $0.count { $0.name == "close" } == 5 }
                #expect(tracer.heldPorts == (try KernelTable().clients(of: [8080])))
                let closes = tracer.events.filter { $0.name == "close" }
                #expect(closes.allSatisfy { $0["comm"] == "victim" })
                #expect(closes.allSatisfy { $0["pid"] == Int(victim.processIdentifier) })
                _ = try tracer.stop()
            }
        }

        /// One port only: the second connection takes it over from the TIME_WAIT of the first.
        @Test(arguments: Family.allCases) func timeWaitReuse(_ family: Family) throws {
            let settings = ["ipv4/ip_local_port_range": "40000 40000", "ipv4/tcp_tw_reuse": "1"]
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(family)
                for _ in 0..<2 {
                    try scene.leaveTimeWaits(1)
                    try scene.compare("TIME_WAIT")
                    Foundation.Thread.sleep(forTimeInterval: 1.5)
                }
                let names = scene.tracer.events.map(\.name).filter {
                    !["tick", "alert", "namespace", "audit"].contains($0)
                }
                #expect(
                    names == [
                        "start", "open", "established", "close", "open", "release", "established",
                        "close",
                    ])
                try scene.finish()
            }
        }

        /// The port that the program named stays its own until it closes the descriptor.
        @Test(arguments: Family.allCases) func boundSocketReset(_ family: Family) throws {
            try PrivateNamespace.run {
                let scene = try Scene(family)
                let client = try scene.client(boundTo: 45_001)
                try scene.compare("established")
                try scene.listener.accept().abort()
                try scene.compare("reset")
                #expect(!scene.tracer.events.contains { $0.name == "release" })
                try client.close()
                try scene.tracer.wait("release") { $0.contains { $0.name == "release" } }
                try scene.finish()
            }
        }

        @Test func sameSocketConnectsAgain() throws {
            try PrivateNamespace.run {
                let scene = try Scene(.v4)
                let client = try scene.client()
                let first = try scene.listener.accept()
                try client.shutdownWrite()
                try first.waitForEnd()
                try first.close()
                try client.waitForEnd()
                try scene.compare("TIME_WAIT, descriptor open")
                try client.disconnect()
                try client.connect(to: scene.server)
                try scene.compare("connected again")
                #expect(scene.tracer.heldPorts.values.first?.count == 2)
                try client.close()
                try scene.listener.accept().close()
                try scene.compare("closed again")
                try scene.finish()
            }
        }

        @Test func timeWaitsBeyondTheLimitAreNone() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_max_tw_buckets": "0"]) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(1)
                try scene.compare("closed")
                #expect(scene.tracer.heldPorts.isEmpty)
                try scene.finish()
            }
        }

        /// The timer of these is stopped before its time, and not set again.
        @Test(.enabled(if: Kernel.endsTimeWaits)) func timeWaitKilled() throws {
            try PrivateNamespace.run {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(3)
                try scene.compare("TIME_WAIT")
                #expect(scene.tracer.heldPorts.values.first?.count == 3)
                try run("/usr/bin/ss", ["-K", "-t", "state", "time-wait"])
                try #require(try KernelTable().rows.isEmpty)
                try scene.compare("killed")
                #expect(scene.tracer.heldPorts.isEmpty)
                try scene.finish()
            }
        }

        @Test func timeWaitExpires() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_tw_reuse": "0"]) {
                let scene = try Scene(.v4)
                let almost = Date(timeIntervalSinceNow: 58)
                try scene.leaveTimeWaits(20)
                try scene.compare("TIME_WAIT")
                Foundation.Thread.sleep(until: almost)
                #expect(scene.tracer.heldPorts.values.first?.count == 20)
                let deadline = Date(timeIntervalSinceNow: 20)
                while try !KernelTable().rows.isEmpty, Date() < deadline {
                    Foundation.Thread.sleep(forTimeInterval: 0.1)
                }
                // They end at once: if the kernel ran no program then, the next audit finds it.
                try scene.compare("expired", within: 15)
                #expect(scene.tracer.heldPorts.isEmpty)
                try scene.finish()
            }
        }
    }
}
