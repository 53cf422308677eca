import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    @Suite struct FailureTests {
        private static let eightPorts = [
            "ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0",
        ]

        @Test(arguments: Family.allCases) func noPortLeft(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                try scene.leaveTimeWaits(8)
                let start = Date()
                for _ in 0..<50 {
                    let client = try TCPSocket(family: scene.server)
                    let error = #expect(throws: SystemError.self) {
                        try client.connect(to: scene.server)
                    }
                    #expect(error?.errno == EADDRNOTAVAIL)
                }
                let seconds = Int(Date().timeIntervalSince(start))
                try scene.tracer.wait("all failures") {
                    $0.filter { $0.name == "failure" }.reduce(0) { $0 + ($1["count"] ?? 0) } == 50
                }
                let events = scene.tracer.events
                let failures = events.filter { $0.name == "failure" }
                // The first at once, the others with the second.
                #expect(failures.count <= 3 + seconds)
                let first = try #require(failures.first)
                #expect(first["count"] == 1)
                #expect(first["call"] == "connect" && first["errno"] == "EADDRNOTAVAIL")
                #expect(first["held"] == 8 && first["usable"] == 8)
                #expect(first["pid"] == Int(getpid()) && first["uid"] == Int(getuid()))
                let opens = events.filter { $0.name == "open" }
                #expect(opens.allSatisfy { $0["uid"] == Int(getuid()) } && !opens.isEmpty)
                #expect(first["local_port"] as Int? == nil)
                #expect(first["search_us"] ?? -1 >= 0)
                #expect(first.tuple.remotePort == Int(Scene.port))

                let levels: [Int] = events.filter { $0.name == "alert" }.compactMap { $0["level"] }
                #expect(levels == [50, 66, 90])
                try scene.compare("full")
                let summary = try scene.tracer.stop()
                #expect(summary.total("opened") == 8 && summary.total("failed") == 50)

                let tuple = try #require(summary.tuples.first)
                #expect(tuple["peak"] as? Int == 8)
                #expect(tuple["failed"] as? Int == 50)
                #expect(tuple["first_failure_at"] as? String == first["time"])
                let top = (tuple["processes"] as? [[String: any Sendable]])?.first
                #expect(top?["pid"] as? Int == Int(getpid()))
            }
        }

        @Test func reservedPortsAreNotUsable() throws {
            var settings = Self.eightPorts
            settings["ipv4/ip_local_reserved_ports"] = "40002,40005-40006,50000"
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(5)
                let client = try TCPSocket(family: scene.server)
                #expect(throws: SystemError.self) { try client.connect(to: scene.server) }
                let events = try scene.tracer.wait("a failure") {
                    $0.contains { $0.name == "failure" }
                }
                let failure = events.first { $0.name == "failure" }
                #expect(failure?["held"] == 5 && failure?["usable"] == 5)
                _ = try scene.tracer.stop()
            }
        }

        @Test(.enabled(if: Kernel.hasOwnPortRange)) func theSocketsOwnRangeIsInForce() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_tw_reuse": "0"]) {
                let scene = try Scene(.v4)
                for attempt in 0..<3 {
                    let client = try TCPSocket(family: scene.server)
                    try client.setPortRange(45_000, 45_001)
                    if attempt < 2 {
                        try client.connect(to: scene.server)
                        try scene.listener.accept().abort()
                        try client.close()
                        continue
                    }
                    // Both ports held, this time.
                    let first = try TCPSocket(family: scene.server)
                    let second = try TCPSocket(family: scene.server)
                    try first.setPortRange(45_000, 45_001)
                    try second.setPortRange(45_000, 45_001)
                    try first.connect(to: scene.server)
                    try second.connect(to: scene.server)
                    #expect(throws: SystemError.self) { try client.connect(to: scene.server) }
                    let events = try scene.tracer.wait("a failure") {
                        $0.contains { $0.name == "failure" }
                    }
                    let failure = events.first { $0.name == "failure" }
                    #expect(failure?["held"] == 2 && failure?["usable"] == 2)
                    try scene.compare("full")
                }
                _ = try scene.tracer.stop()
            }
        }

        @Test func theProgramsOwnPortIsTaken() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_tw_reuse": "0"]) {
                let scene = try Scene(.v4)
                let client = try scene.client(boundTo: 45_002)
                let again = try TCPSocket(family: scene.server)
                try again.bind(to: scene.server.with(port: 45_002), reuseAddress: true)
                let error = #expect(throws: SystemError.self) {
                    try again.connect(to: scene.server)
                }
                #expect(error?.errno == EADDRNOTAVAIL)
                let events = try scene.tracer.wait("a failure") {
                    $0.contains { $0.name == "failure" }
                }
                #expect(events.first { $0.name == "failure" }?["local_port"] == 45_002)
                try scene.compare("failed")
                try client.close()
                _ = try scene.tracer.stop()
            }
        }

        @Test(.enabled(if: Kernel.endsTimeWaits)) func recovered() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(.v4)
                var clients: [Int32] = []
                for _ in 0..<8 {
                    let client = try scene.client()
                    clients.append(dup(client.fileDescriptor))
                    try client.close()
                    try scene.listener.accept().abort()
                }
                for client in clients { close(client) }
                let tracer = scene.tracer
                try tracer.wait("the end") { $0.count { $0.name == "close" } == 8 }
                #expect(!tracer.events.contains { $0.name == "alert" })
                try scene.leaveTimeWaits(5)
                try tracer.wait("an alert") { $0.contains { $0.name == "alert" } }
                try run("/usr/bin/ss", ["-K", "-t", "state", "time-wait"])
                let events = try tracer.wait("recovery") {
                    $0.contains { $0.name == "alert" && $0["level"] == 0 }
                }
                let levels: [Int] = events.filter { $0.name == "alert" }.compactMap { $0["level"] }
                #expect(levels == [50, 0])
                _ = try tracer.stop()
            }
        }

        /// Told when it happens, not when the reader next looks: how long it takes is printed only.
        @Test func failuresAreToldAtOnce() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(.v4)
                let tracer = scene.tracer
                try scene.leaveTimeWaits(8)
                let client = try TCPSocket(family: scene.server)
                #expect(throws: SystemError.self) { try client.connect(to: scene.server) }
                let before = Date()
                try tracer.wait("a failure") { $0.contains { $0.name == "failure" } }
                print("told after", Int(Date().timeIntervalSince(before) * 1e6), "µs")
                _ = try tracer.stop()
            }
        }
    }
}
