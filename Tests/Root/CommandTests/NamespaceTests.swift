import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// Connections in other network namespaces than the tracer's own.
    @Suite struct NamespaceTests {
        /// A connection in the namespace of the calling thread. The client has closed, so that a
        /// TIME_WAIT is left.
        private static func leaveTimeWaits(_ count: Int, port: UInt16) throws {
            var load = ConnectLoop(destinations: [try Endpoint("127.0.0.1", port: port)])
            load.connections = count
            load.serverThreads = 1
            #expect(try load.run().opened == count)
        }

        /// No other test connects there.
        private static func randomPort() -> UInt16 { .random(in: 20_000..<30_000) }

        private static func inode(_ event: Event) -> String { String(event["inode"] as Int? ?? 0) }

        private static func isGone(_ inode: String, in events: [Event]) -> Bool {
            events.contains {
                $0.name == "namespace" && $0["state"] == "gone" && Self.inode($0) == inode
            }
        }

        /// Of audits that found the tracer or the kernel to be wrong about `netns`.
        private static func drifts(of netns: String?, in events: [Event]) -> [Event] {
            events.filter { $0.name == "audit" && $0["netns"] == netns && $0["drift"] != 0 }
        }

        @Test func thoseWithANameAreSeeded() throws {
            let port = Self.randomPort()
            let names = try (0..<2).map { _ in try NamedNamespace() }
            let loads = try names.map { try $0.hold(5, port: port) }
            let tracer = try Tracer(["--events", "notable", "--remote", "127.0.0.0/8:\(port)"])
            let events = try tracer.waitAnywhere("a tick of each") { events in
                names.allSatisfy { name in
                    events.contains { $0.name == "tick" && $0["netns"] == name.name }
                }
            }
            let summary = try tracer.stop().event
            let tuples: [[String: any Sendable]] = summary["tuples"] ?? []
            #expect(tuples.count == 2)
            for (name, load) in zip(names, loads) {
                #expect(
                    events.contains {
                        $0.name == "namespace" && $0["netns"] == name.name
                            && $0["state"] == "found"
                    })
                let tick = events.first { $0.name == "tick" && $0["netns"] == name.name }
                #expect(tick?["held"] == 5)
                let tuple = tuples.first { $0["netns"] as? String == name.name }
                #expect(tuple?["held"] as? Int == 5)
                let top = (tuple?["processes"] as? [[String: any Sendable]])?.first
                #expect(top?["pid"] as? Int == Int(load.processIdentifier))
                #expect(top?["comm"] as? String == "pg-held")
            }
            withExtendedLifetime(loads) {}
        }

        /// One that only a thread is in, and one that a process is in, which gives it its name.
        @Test func thoseWithoutANameAreSeeded() throws {
            let port = Self.randomPort()
            let process = try HoldingLoad(
                portgauge.path, ["load", "--port", "\(port)"] + HoldingLoad.arguments(3))
            let (isReady, isDone) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let thread = try LinuxSystem.Thread {
                Result {
                    defer { isReady.signal() }
                    try PrivateNamespace.enter()
                    let server = try Endpoint("127.0.0.1", port: port)
                    let listener = try TCPSocket(family: server)
                    try listener.bind(to: server)
                    try listener.listen()
                    let client = try TCPSocket(family: server)
                    try client.connect(to: server)
                    isReady.signal()
                    isDone.wait()
                    try client.close()
                    return String(try PrivateNamespace.currentInode())
                }
            }
            isReady.wait()
            let summary = Result {
                let tracer = try Tracer(["--remote", "127.0.0.1:\(port)"])
                try tracer.waitAnywhere("two ticks") { $0.count { $0.name == "tick" } == 2 }
                return try tracer.stop().event
            }
            isDone.signal()
            let inode = try thread.join().get()
            let tuples: [[String: any Sendable]] = try summary.get()["tuples"] ?? []
            var held: [String: Int] = [:]
            for tuple in tuples { held[tuple["netns"] as? String ?? ""] = tuple["held"] as? Int }
            #expect(held == [inode: 1, "pg-held[\(process.processIdentifier)]": 3])
        }

        @Test func settingsAreToldAndTheEnd() throws {
            let port = Self.randomPort()
            let tracer = try Tracer([
                "--events", "all", "--audit", "0.5", "--remote", "127.0.0.1:\(port)",
            ])
            let settings = [
                "ipv4/ip_local_port_range": "40000 40099",
                "ipv4/ip_local_reserved_ports": "40010-40019,50000", "ipv4/tcp_tw_reuse": "1",
                "ipv4/tcp_max_tw_buckets": "1234",
            ]
            let inode = try PrivateNamespace.run(settings: settings) {
                let inode = String(try PrivateNamespace.currentInode())
                func wait(_ state: String) throws -> Event {
                    func isIt(_ event: Event) -> Bool {
                        event.name == "namespace" && event["state"] == state
                            && Self.inode(event) == inode
                    }
                    let events = try tracer.waitAnywhere(state) { $0.contains(where: isIt) }
                    return try #require(events.last(where: isIt))
                }
                try Self.leaveTimeWaits(3, port: port)
                let found = try wait("found")
                #expect(found["range"] == [40_000, 40_099] && found["reserved"] == 10)
                #expect(found["tw_reuse"] == 1 && found["max_tw_buckets"] == 1234)
                #expect(found["timestamps"] == true)
                try PrivateNamespace.set([
                    "ipv4/ip_local_port_range": "40000 40049", "ipv4/tcp_tw_reuse": "0",
                    "ipv4/tcp_max_tw_buckets": "4321", "ipv4/ip_local_reserved_ports": "40000",
                ])
                Foundation.Thread.sleep(forTimeInterval: 1.1)
                try Self.leaveTimeWaits(1, port: port)
                let changed = try wait("changed")
                #expect(changed["range"] == [40_000, 40_049] && changed["reserved"] == 1)
                #expect(changed["tw_reuse"] == 0 && changed["max_tw_buckets"] == 4321)
                #expect(
                    tracer.wait(on: inode, seconds: 20) { $0.counts.values.reduce(0, +) == 4 })
                return inode
            }
            let vanished = Date()
            let events = try tracer.waitAnywhere("its end") { Self.isGone(inode, in: $0) }
            print("gone after", Int(Date().timeIntervalSince(vanished) * 1000), "ms")
            #expect(tracer.view(of: inode).held.isEmpty)
            let name: String? = events.last { Self.inode($0) == inode }?["netns"]
            #expect(Self.drifts(of: name, in: events).isEmpty)
            let summary = try tracer.stop().event
            #expect(summary["held"] == 0 && summary["opened"] == 4)
            let left: [[String: any Sendable]] = summary["namespaces"] ?? []
            #expect(!left.contains { $0["inode"] as? Int == Int(inode) })
        }

        /// With a namespace go its TIME_WAITs, within milliseconds.
        @Test func itsProcessEndsBeforeItsTimeWaits() throws {
            let port = Self.randomPort()
            let tracer = try Tracer([
                "--events", "all", "--audit", "0.5", "--remote", "127.0.0.0/8:\(port)",
            ])
            let count = 500
            let arguments = [
                "load", "--connections", "\(count)", "--rate", "5000", "--port", "\(port)",
                "--destinations", "2",
            ]
            #expect(try run(portgauge.path, arguments).output.hasPrefix("opened \(count) "))
            let events = try tracer.waitAnywhere("its end") {
                $0.contains { $0.name == "namespace" && $0["state"] == "gone" }
            }
            let name: String? = events.last { $0["state"] == "gone" }?["netns"]
            #expect(Self.drifts(of: name, in: events).isEmpty)
            let summary = try tracer.stop().event
            #expect(summary["held"] == 0 && summary["opened"] == count)
        }

        /// The same with all of these ends lost: nothing but the namespace's end tells of them.
        @Test func itsEndIsLost() throws {
            let port = Self.randomPort()
            let tracer = try Tracer([
                "--audit", "0.5", "--remote", "127.0.0.0/8:\(port)", "--ring-size", "64k",
            ])
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let inode = String(try PrivateNamespace.currentInode())
                var load = ConnectLoop(destinations: Endpoint.loopback(count: 2, port: port))
                load.connections = 5000
                _ = try load.run()
                #expect(
                    tracer.wait(on: inode, seconds: 20) {
                        $0.counts.values.reduce(0, +) > 4900
                    })
                kill(tracer.processIdentifier, SIGSTOP)
            }
            // Until the kernel has ended all of it.
            Foundation.Thread.sleep(forTimeInterval: 2)
            kill(tracer.processIdentifier, SIGCONT)
            let resumed = Date()
            let events = try tracer.waitAnywhere("its end") {
                $0.contains { $0.name == "namespace" && $0["state"] == "gone" }
            }
            print("gone", Int(Date().timeIntervalSince(resumed) * 1000), "ms after a loss")
            #expect(events.contains { $0.name == "lost" })
            let summary = try tracer.stop().event
            #expect(summary["held"] == 0 && summary["opened"] == 5000)
            #expect(summary["last_drift"] == 0)
        }

        /// Those that end while the tracer looks around are not out of its reach.
        @Test func itsEndIsNoComplaint() throws {
            let others = (0..<3).map { _ in Process() }
            for other in others {
                other.executableURL = URL(fileURLWithPath: "/bin/sh")
                other.arguments = ["-c", "while :; do /usr/bin/unshare --net true; done"]
                try other.run()
            }
            defer {
                for other in others {
                    kill(other.processIdentifier, SIGKILL)
                    other.waitUntilExit()
                }
            }
            for _ in 0..<15 {
                let result = try run(portgauge.path, ["--duration", "0.05"])
                #expect(result.status == 0 && result.errors == "")
            }
        }

        /// The kernel gives their inode numbers again, but each is counted on its own.
        @Test func manyComeAndGo() throws {
            let port = Self.randomPort()
            let tracer = try Tracer([
                "--events", "notable", "--audit", "0.5", "--remote", "127.0.0.1:\(port)",
            ])
            func make(_ count: Int, _ total: Int) throws {
                for _ in 0..<count {
                    try PrivateNamespace.run { try Self.leaveTimeWaits(3, port: port) }
                }
                try tracer.waitAnywhere("the end of \(total)") {
                    $0.count { $0.name == "namespace" && $0["state"] == "gone" } == total
                }
            }
            try make(20, 20)
            let memory = try tracer.residentKB
            let descriptors = try tracer.descriptors.count
            let start = Date()
            try make(180, 200)
            let grown = try tracer.residentKB - memory
            let inodes = Set(
                tracer.eventsAnywhere.filter { $0.name == "namespace" }.map(Self.inode))
            print(
                "180 namespaces in \(Date().timeIntervalSince(start)) s: grown by \(grown) KB;",
                "\(inodes.count) inode numbers")
            #expect(grown < 4096)
            #expect(try tracer.descriptors.count == descriptors)
            #expect(inodes.count < 200)
            let events = tracer.eventsAnywhere
            #expect(events.count { $0.name == "namespace" && $0["state"] == "found" } == 200)
            #expect(!events.contains { $0.name == "audit" && $0["drift"] != 0 })
            let summary = try tracer.stop().event
            #expect(summary["opened"] == 600 && summary["held"] == 0)
            let tuples: [[String: any Sendable]] = summary["tuples"] ?? []
            #expect(tuples.count == 200)
            #expect(tuples.allSatisfy { $0["opened"] as? Int == 3 && $0["peak"] as? Int == 3 })
            let left: [[String: any Sendable]] = summary["namespaces"] ?? []
            #expect(left.isEmpty)
        }
    }
}

/// Connections that stay open in a process of their own.
private final class HoldingLoad: Sendable {
    private let process = Process()

    static func arguments(_ count: Int) -> [String] {
        ["--hold", "--connections", "\(count)", "--destinations", "1", "--name", "pg-held"]
    }

    /// Returns when they are established.
    init(_ program: String, _ arguments: [String]) throws {
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = Pipe()
        process.standardOutput = output
        try process.run()
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        try #require(said.hasPrefix("holding"))
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var processIdentifier: Int32 { process.processIdentifier }
}

/// One that `ip netns` has made; goes with this object.
private final class NamedNamespace: Sendable {
    let name = "portgauge-\(UInt32.random(in: 0...UInt32.max))"

    init() throws {
        try ip("netns", "add", name)
        try ip("-n", name, "link", "set", "lo", "up")
    }

    deinit { try? ip("netns", "delete", name) }

    private func ip(_ arguments: String...) throws {
        let result = try run("/usr/sbin/ip", arguments)
        try #require(result.status == 0, "\(result.errors)")
    }

    func hold(_ count: Int, port: UInt16) throws -> HoldingLoad {
        try HoldingLoad(
            "/usr/sbin/ip",
            [
                "netns", "exec", name, portgauge.path, "load", "--in-place", "--port", "\(port)",
            ] + HoldingLoad.arguments(count))
    }
}
