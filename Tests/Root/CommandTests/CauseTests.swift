import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// Each cause, made for real.
    @Suite struct CauseTests {
        private static let eightPorts = [
            "ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0",
        ]

        // MARK: What the others share

        private func connect(
            _ scene: borrowing Scene, _ count: Int, range: ClosedRange<UInt16>? = nil
        ) throws -> [Kept] {
            try (0..<count).map { _ in
                let client = try TCPSocket(family: scene.server)
                if let range { try client.setPortRange(range.lowerBound, range.upperBound) }
                try client.connect(to: scene.server)
                return Kept(client)
            }
        }

        /// bind() chooses a port of `address` for each.
        private func bind(_ address: String, _ count: Int) throws -> [Kept] {
            try (0..<count).map { _ in
                let local = try Endpoint(address, port: 0)
                let socket = try TCPSocket(family: local)
                try socket.bind(to: local)
                return Kept(socket)
            }
        }

        private func expectNoPort(
            _ scene: borrowing Scene, prepare: (borrowing TCPSocket) throws -> Void = { _ in }
        ) throws {
            let client = try TCPSocket(family: scene.server)
            try prepare(client)
            let server = scene.server
            #expect(throws: SystemError.self) { try client.connect(to: server) }
        }

        private func expectInUse(_ local: Endpoint) throws {
            let socket = try TCPSocket(family: local)
            let error = #expect(throws: SystemError.self) { try socket.bind(to: local) }
            #expect(error?.errno == EADDRINUSE)
        }

        /// The first failure that is told, which is of `cause` as are all.
        private func failure(
            _ scene: borrowing Scene, _ cause: String, call: String = "connect",
            errno: String? = nil, _ expected: [String: Int]
        ) throws -> Event {
            let events = try scene.tracer.wait("a failure") {
                $0.contains { $0.name == "failure" }
            }
            let failures = events.filter { $0.name == "failure" }
            #expect(failures.allSatisfy { $0["cause"] == cause }, "\(failures)")
            let failure = try #require(failures.first)
            #expect(failure["call"] == call && failure["count"] == 1, "\(failure)")
            let usual = call == "bind" ? "EADDRINUSE" : "EADDRNOTAVAIL"
            #expect(failure["errno"] == errno ?? usual, "\(failure)")
            #expect(failure["pid"] == Int(getpid()), "\(failure)")
            for (field, value) in expected { #expect(failure[field] == value, "\(failure)") }
            return failure
        }

        private func range(of event: Event) -> [Int]? { event["range"] }

        /// Who holds how many.
        private func holders(_ failure: Event) -> [[Int]] {
            let holders: [[String: any Sendable]] = failure["holders"] ?? []
            return holders.map { [$0["pid"] as? Int ?? -1, $0["ports"] as? Int ?? -1] }
        }

        /// Ends the tracer; what the summary says of the causes of the connects that found no port.
        private func finish(_ scene: borrowing Scene, _ expected: [String: Int]) throws -> Summary {
            let summary = try scene.tracer.stop()
            var causes: [String: Int] = [:]
            for tuple in summary.tuples {
                let its = tuple["causes"] as? [String: Int] ?? [:]
                causes.merge(its) { $0 + $1 }
            }
            #expect(causes == expected)
            #expect(summary.total("failed") == expected.values.reduce(0, +))
            return summary
        }

        /// Whether what connect() and bind() return is told, as it must be from 5.15 on.
        private func tellsReturns(_ scene: borrowing Scene) throws -> Bool {
            let hooks: [String] = scene.tracer.eventsAnywhere.first?["hooks"] ?? []
            let tells = hooks.contains { $0.hasSuffix("sys_exit_bind") || $0.hasSuffix("get_port") }
            #expect(tells || !Kernel.readsRegisters, "\(hooks)")
            return tells
        }

        // MARK: connect()

        @Test(arguments: Family.allCases) func exhausted(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                let clients = try connect(scene, 8)
                try expectNoPort(scene)
                let failure = try failure(
                    scene, "exhausted",
                    [
                        "held": 8, "usable": 8, "available": 0, "time_wait": 0, "reserved": 0,
                        "bound": 0,
                    ])
                #expect(range(of: failure) == [40_000, 40_007])
                #expect(failure["search_us"] ?? -1 >= 0 && holders(failure).isEmpty)
                _ = try finish(scene, ["exhausted": 1])
                #expect(clients.count == 8)
            }
        }

        @Test func exhaustedByTimeWaits() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(8)
                try expectNoPort(scene)
                _ = try failure(
                    scene, "exhausted",
                    [
                        "held": 8, "usable": 8, "available": 0, "time_wait": 8, "reusable": 0,
                        "bound": 0,
                    ])
                _ = try finish(scene, ["exhausted": 1])
            }
        }

        /// A bind() takes its port from all, whatever the address and the family.
        @Test(arguments: Family.allCases) func blockedByBoundSockets(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                let bound = try bind("127.0.0.2", 8)
                try expectNoPort(scene)
                let failure = try failure(
                    scene, "blocked",
                    ["held": 0, "usable": 0, "available": 0, "reserved": 0, "bound": 8])
                #expect(holders(failure) == [[Int(getpid()), 8]], "\(failure)")
                _ = try finish(scene, ["blocked": 1])
                #expect(bound.count == 8)
            }
        }

        @Test func blockedByReservedPorts() throws {
            var settings = Self.eightPorts
            settings["ipv4/ip_local_reserved_ports"] = "40001-40007,50000"
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                let clients = try connect(scene, 1)
                try expectNoPort(scene)
                let failure = try failure(
                    scene, "blocked",
                    ["held": 1, "usable": 1, "available": 0, "reserved": 7, "bound": 0])
                #expect(holders(failure).isEmpty)
                _ = try finish(scene, ["blocked": 1])
                #expect(clients.count == 1)
            }
        }

        /// Their ports are as good as bound.
        @Test func blockedByTimeWaitsOfBoundSockets() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(.v4)
                for _ in 0..<8 {
                    let local = try Endpoint("127.0.0.2", port: 0)
                    let client = try TCPSocket(family: local)
                    try client.bind(to: local)
                    try client.connect(to: scene.server)
                    let peer = try scene.listener.accept()
                    try client.close()
                    try peer.waitForEnd()
                    try peer.close()
                }
                try expectNoPort(scene)
                let failure = try failure(
                    scene, "blocked",
                    ["held": 0, "usable": 0, "available": 0, "reserved": 0, "bound": 8])
                #expect(holders(failure) == [[Int(getpid()), 8]], "\(failure)")
                _ = try finish(scene, ["blocked": 1])
            }
        }

        @Test(arguments: Family.allCases) func itsOwnRange(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                do {
                    try TCPSocket(family: scene.server).setPortRange(40_002, 40_003)
                } catch let error as SystemError {
                    #expect(error.errno == ENOPROTOOPT && !Kernel.mustHaveOwnPortRange)
                    _ = try scene.tracer.stop()
                    return
                }
                let clients = try connect(scene, 2, range: 40_002...40_003)
                try expectNoPort(scene) { try $0.setPortRange(40_002, 40_003) }
                let failure = try failure(
                    scene, "range",
                    ["held": 2, "usable": 2, "available": 0, "reserved": 0, "bound": 0])
                #expect(range(of: failure) == [40_002, 40_003])
                _ = try finish(scene, ["range": 1])
                #expect(clients.count == 2)
            }
        }

        @Test(arguments: Family.allCases) func collision(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                let local = scene.server.with(port: 45_000)
                let client = try TCPSocket(family: local)
                try client.bind(to: local, reuseAddress: true)
                let again = try TCPSocket(family: local)
                try again.bind(to: local, reuseAddress: true)
                try client.connect(to: scene.server)
                let server = scene.server
                #expect(throws: SystemError.self) { try again.connect(to: server) }
                _ = try failure(
                    scene, "collision",
                    ["local_port": 45_000, "held": 1, "usable": 8, "available": 8, "bound": 0])
                _ = try finish(scene, ["collision": 1])
            }
        }

        @Test func noAddress() throws {
            var settings = Self.eightPorts
            settings["ipv6/conf/lo/disable_ipv6"] = "1"
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                let server = try Endpoint("::1", port: Scene.port)
                let client = try TCPSocket(family: server)
                let error = #expect(throws: SystemError.self) { try client.connect(to: server) }
                #expect(error?.errno == EADDRNOTAVAIL)
                guard try tellsReturns(scene) else {
                    let summary = try finish(scene, [:])
                    #expect(summary.event["refused"].map { ($0 as [any Sendable]).isEmpty } == true)
                    return
                }
                let failure = try failure(
                    scene, "no_address", ["held": 0, "remote_port": Int(Scene.port)])
                #expect(failure["remote"] == "::1" && failure["search_us"] as Int? == nil)
                let summary = try finish(scene, [:])
                #expect(try refused(summary) == ["connect no_address ::1 1"])
            }
        }

        @Test(
            .enabled(
                if: MemoryShortage.isAllowed,
                "it takes all of the machine's memory: make test-kernels runs it"),
            arguments: Family.allCases)
        func noMemory(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                let server = scene.server
                // One port is left, so that only what connect() returned tells this from exhaustion;
                // and the route to the server, which takes memory as well, is there from now on.
                let clients = try connect(scene, 7)
                let client = try TCPSocket(family: server)
                try OpenFileLimit.raise(toHold: Self.others + 1000)
                // Elsewhere, so that what they hold and fail is none of the scene's.
                let others = try PrivateNamespace.run {
                    let local = try Endpoint("127.0.0.1", port: 0)
                    return try (0..<Self.others).map { _ in Kept(try TCPSocket(family: local)) }
                }
                let ports = try others.indices.map {
                    try Endpoint("127.0.0.1", port: UInt16(10_000 + $0))
                }
                let (bound, error) = try MemoryShortage.run {
                    // They use up the buckets that there is memory for already: bind() needs nothing
                    // else, and fails when there are none.
                    var bound = 0
                    do throws(SystemError) {
                        while bound < others.count {
                            try others[bound].socket.bind(to: ports[bound])
                            bound += 1
                        }
                    } catch {}
                    var error: SystemError?
                    do throws(SystemError) {
                        try client.connect(to: server)
                    } catch let refusal {
                        error = refusal
                    }
                    return (bound, error)
                }
                #expect(bound < others.count)
                #expect(error?.errno == ENOMEM, "after \(bound) binds: \(error)")
                try scene.compare("without memory")
                #expect(scene.tracer.heldPorts.values.map(\.count) == [7])
                let failure = try failure(
                    scene, "no_memory", errno: "ENOMEM",
                    ["held": 7, "usable": 8, "available": 1, "reserved": 0, "bound": 0])
                #expect(range(of: failure) == [40_000, 40_007])
                #expect(failure["search_us"] ?? -1 >= 0 && holders(failure).isEmpty)
                // It was for want of nothing else.
                try client.connect(to: server)
                try scene.compare("with memory")
                #expect(scene.tracer.heldPorts.values.map(\.count) == [8])
                _ = try finish(scene, ["no_memory": 1])
                #expect(clients.count == 7)
            }
        }

        /// As many buckets as may be left over from what ran before.
        private static let others = 8000

        /// What the summary has of refused calls.
        private func refused(_ summary: Summary) throws -> [String] {
            let rows: [[String: any Sendable]] = try #require(summary.event["refused"])
            let ours = rows.filter { $0["pid"] as? Int == Int(getpid()) }
            return ours.map { row in
                let port = (row["local_port"] as? Int).map { ":\($0)" } ?? ""
                let address = row["remote"] as? String ?? "\(row["local"] ?? "")\(port)"
                return "\(row["call"] ?? "") \(row["cause"] ?? "") \(address) \(row["count"] ?? "")"
            }.sorted()
        }

        // MARK: bind()

        @Test(arguments: [
            (Family.v4, "127.0.0.2", "127.0.0.2"), (.v6, "::1", "::1"),
            (.mapped, "::ffff:127.0.0.2", "127.0.0.2"),
        ]) func bindIsExhausted(family: Family, address: String, name: String) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                guard try tellsReturns(scene) else {
                    _ = try scene.tracer.stop()
                    return
                }
                let bound = try bind(address, 8)
                try expectInUse(Endpoint(address, port: 0))
                let failure = try failure(
                    scene, "exhausted", call: "bind",
                    ["held": 8, "usable": 8, "available": 0, "reserved": 0, "bound": 8])
                #expect(failure["local"] == name)
                #expect(failure["remote"] as String? == nil && failure["local_port"] as Int? == nil)
                #expect(range(of: failure) == [40_000, 40_007])
                let events = try scene.tracer.wait("a pool") {
                    $0.contains { $0.name == "bind_pool" && $0["held"] == 8 }
                        && $0.contains { $0.name == "alert" }
                }
                let alert = events.first { $0.name == "alert" }
                #expect(alert?["level"] == 90 && alert?["local"] == name)
                #expect(alert?["remote"] as String? == nil)
                let summary = try finish(scene, [:])
                let pools: [[String: any Sendable]] = try #require(summary.event["bind_pools"])
                let pool = try #require(pools.first { $0["local"] as? String == name })
                #expect(pool["peak"] as? Int == 8 && pool["failed"] as? Int == 1)
                let top = (pool["processes"] as? [[String: any Sendable]])?.first
                #expect(top?["pid"] as? Int == Int(getpid()))
                #expect(try refused(summary) == ["bind exhausted \(name) 1"])
                #expect(bound.count == 8)
            }
        }

        @Test(arguments: Family.allCases) func bindCollides(_ family: Family) throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(family)
                guard try tellsReturns(scene) else {
                    _ = try scene.tracer.stop()
                    return
                }
                try expectInUse(scene.server)
                let name = family == .v6 ? "::1" : "127.0.0.1"
                let failure = try failure(
                    scene, "collision", call: "bind", ["local_port": Int(Scene.port), "usable": 8])
                #expect(failure["local"] == name && failure["remote"] as String? == nil)
                let summary = try finish(scene, [:])
                #expect(try refused(summary) == ["bind collision \(name):\(Scene.port) 1"])
            }
        }

        // MARK: What is not told

        /// UDP has ports of its own.
        @Test func datagramsAreNotTold() throws {
            var settings = Self.eightPorts
            settings["ipv6/conf/lo/disable_ipv6"] = "1"
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                var local = sockaddr_in()
                local.sin_family = sa_family_t(AF_INET)
                local.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
                local.sin_port = UInt16(9000).bigEndian
                let sockets = (0..<2).map { _ in
                    socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                }
                defer { for socket in sockets { close(socket) } }
                let results = sockets.map { socket in
                    withUnsafePointer(to: &local) {
                        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                            Glibc.bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                        } == 0 ? 0 : errno
                    }
                }
                #expect(results == [0, EADDRINUSE])
                var remote = sockaddr_in6()
                remote.sin6_family = sa_family_t(AF_INET6)
                remote.sin6_addr = in6addr_loopback
                remote.sin6_port = UInt16(9000).bigEndian
                let v6 = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
                defer { close(v6) }
                let result = withUnsafePointer(to: &remote) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        Glibc.connect(v6, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                    } == 0 ? 0 : errno
                }
                #expect(result == EADDRNOTAVAIL)
                // What is told, and follows it.
                let clients = try connect(scene, 8)
                try expectNoPort(scene)
                _ = try failure(scene, "exhausted", ["held": 8])
                let summary = try finish(scene, ["exhausted": 1])
                #expect(try refused(summary) == [])
                #expect(clients.count == 8)
            }
        }

        /// Neither do they see it fail where trampolines are refused, but that it came to nothing.
        @Test func withoutSystemCallsBindIsInferred() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let tracer = try Tracer(["--events", "all", "--no-syscalls"])
                let hooks: [String] = tracer.eventsAnywhere.first?["hooks"] ?? []
                let hasTrampolines = hooks.contains { $0.hasPrefix("fexit/") }
                #expect(!hooks.contains { $0.hasPrefix("syscalls/") })
                let server = try Endpoint("127.0.0.1", port: Scene.port)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server)
                try listener.listen()
                try expectInUse(server)
                let events = try tracer.wait("a failure") {
                    $0.contains { $0.name == "failure" }
                }
                let failure = try #require(events.first { $0.name == "failure" })
                #expect(failure["call"] == "bind" && failure["cause"] == "collision")
                #expect((failure["inferred"] ?? false) == !hasTrampolines, "\(failure)")
                _ = try tracer.stop()
                let result = try run(portgauge.path, ["--no-syscalls", "--duration", "0.1"])
                #expect(result.status == 0)
                #expect(
                    result.errors.contains("is not told apart") == !hasTrampolines,
                    "\(result.errors)")
                #expect(!result.errors.contains("a bind() that fails"), "\(result.errors)")
            }
        }

        // MARK: Settings

        /// By itself, while nobody connects.
        @Test func settingsAreNoticedWhileNobodyConnects() throws {
            try PrivateNamespace.run(settings: Self.eightPorts) {
                let scene = try Scene(.v4)
                let clients = try connect(scene, 1)
                let events = try scene.tracer.wait("a connection") {
                    $0.contains { $0.name == "established" }
                }
                // Four ports, its own among them, and then two of these.
                let port = try #require(
                    events.first { $0.name == "established" }?["local_port"] as Int?)
                let low = port & ~3
                let reserved = (low...low + 3).filter { $0 | 1 != port | 1 }
                for (setting, value, check) in [
                    (
                        "ip_local_port_range", "\(low) \(low + 3)",
                        { $0["range"] == [low, low + 3] }
                    ),
                    (
                        "ip_local_reserved_ports", "\(reserved[0])-\(reserved[1])",
                        { $0["reserved"] == 2 }
                    ),
                    ("tcp_tw_reuse", "1", { $0["tw_reuse"] == 1 }),
                ] as [(String, String, (Event) -> Bool)] {
                    try PrivateNamespace.set(["ipv4/\(setting)": value])
                    let before = Date()
                    try scene.tracer.wait(setting) {
                        $0.contains {
                            $0.name == "namespace" && $0["state"] == "changed" && check($0)
                        }
                    }
                    let seconds = Date().timeIntervalSince(before)
                    #expect(seconds < 2, "\(setting)")
                }
                try scene.tracer.wait("what is usable") {
                    $0.last { $0.name == "tick" }?["usable"] == 2
                }
                // Of two ports one is held: nobody has connected, and half of them are used.
                try scene.tracer.wait("an alert") {
                    $0.contains { $0.name == "alert" && $0["level"] == 50 }
                }
                _ = try scene.tracer.stop()
                #expect(clients.count == 1)
            }
        }
    }
}
