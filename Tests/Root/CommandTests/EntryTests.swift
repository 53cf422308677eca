#if arch(x86_64)
    import Foundation
    import LoadGenerator
    import Testing

    extension LiveTests {
        /// A failing bind() is told once, whichever way it came into the kernel, and nothing else is.
        @Suite struct EntryTests {
            private static let eightPorts = [
                "ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0",
            ]
            private static let noPort: Int32 = 24  // IP_BIND_ADDRESS_NO_PORT
            private static let freeBind: Int32 = 15  // IP_FREEBIND

            /// Sockets that stay open to the end of a test.
            private final class Sockets {
                private var open: [Int32] = []
                let binder: Binder

                init(_ entry: SystemCallEntry) throws { binder = try Binder(entry) }

                deinit { for socket in open { close(socket) } }

                /// Binds so many new sockets.
                ///
                /// - Returns: what each got: 0 or the errno.
                func bind(
                    _ count: Int, _ address: String, port: UInt16 = 0, option: Int32? = nil,
                    type: __socket_type = SOCK_STREAM
                ) -> [Int32] {
                    (0..<count).map { _ in
                        let family = address.contains(":") ? AF_INET6 : AF_INET
                        let new = socket(family, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
                        open.append(new)
                        var on: Int32 = 1
                        if let option {
                            setsockopt(new, Int32(IPPROTO_IP), option, &on, 4)
                        }
                        return binder.bind(new, Binder.name(address, port: port))
                    }
                }

                /// Binds the last socket once more.
                func bindAgain(_ address: String) -> Int32 {
                    binder.bind(open.last!, Binder.name(address, port: 0))
                }
            }

            /// Whether nothing sees such a call return.
            private func isInferred(_ entry: SystemCallEntry, _ scene: borrowing Scene) -> Bool {
                let hooks: [String] = scene.tracer.eventsAnywhere.first?["hooks"] ?? []
                if hooks.contains(where: { $0.hasPrefix("fexit/") }) { return false }
                #expect(hooks.contains("cgroup/bind4"), "\(hooks)")
                return entry != .native || !hooks.contains("syscalls/sys_exit_bind")
            }

            /// What the summary has of refused calls of this process, and how the events were found.
            private func finish(
                _ scene: borrowing Scene, inferred: Bool, _ expected: [String]
            ) throws {
                let summary = try scene.tracer.stop()
                let rows: [[String: any Sendable]] = try #require(summary.event["refused"])
                let ours = rows.filter { $0["pid"] as? Int == Int(getpid()) }
                let refused = ours.map { row in
                    let port = (row["local_port"] as? Int).map { ":\($0)" } ?? ""
                    let address = "\(row["local"] ?? "")\(port)"
                    let (call, count) = (row["call"] ?? "", row["count"] ?? "")
                    return "\(call) \(row["cause"] ?? "") \(address) \(count)"
                }
                #expect(refused.sorted() == expected)
                for failure in scene.tracer.events where failure.name == "failure" {
                    #expect((failure["inferred"] ?? false) == inferred, "\(failure)")
                    let named = failure["cause"] == "no_address" ? "EADDRNOTAVAIL" : "EADDRINUSE"
                    #expect(failure["errno"] == named, "\(failure)")
                }
            }

            @Test(arguments: SystemCallEntry.here)
            func eachFailureIsToldOnce(_ entry: SystemCallEntry) throws {
                try PrivateNamespace.run(settings: Self.eightPorts) {
                    let scene = try Scene(.v4)
                    let sockets = try Sockets(entry)
                    let (inUse, missing, invalid) = (EADDRINUSE, EADDRNOTAVAIL, EINVAL)
                    #expect(
                        sockets.bind(12, "127.0.0.1")
                            == [Int32](repeating: 0, count: 8) + [inUse, inUse, inUse, inUse])
                    #expect(sockets.bind(2, "127.0.0.1", port: Scene.port) == [inUse, inUse])
                    #expect(sockets.bind(3, "10.99.9.9") == [missing, missing, missing])
                    #expect(sockets.bind(1, "10.99.9.9", port: 5555) == [missing])
                    #expect(sockets.bind(2, "2001:db8::1") == [missing, missing])
                    #expect(sockets.bind(9, "::1") == [Int32](repeating: 0, count: 8) + [inUse])
                    #expect(sockets.bind(1, "::ffff:127.0.0.1") == [inUse])
                    // The address need not be there.
                    #expect(
                        sockets.bind(9, "10.99.9.8", option: Self.freeBind)
                            == [Int32](repeating: 0, count: 8) + [inUse])
                    // None of these is about a port or an address.
                    #expect(sockets.bind(1, "127.0.0.1", port: 6100) == [0])
                    #expect(sockets.bindAgain("127.0.0.1") == invalid)
                    #expect(sockets.bind(1, "fe80::1") == [invalid])
                    #expect(sockets.bind(1, "10.99.9.9", type: SOCK_DGRAM) == [missing])
                    try finish(
                        scene, inferred: isInferred(entry, scene),
                        [
                            "bind collision 127.0.0.1:8080 2", "bind exhausted 10.99.9.8 1",
                            "bind exhausted 127.0.0.1 5", "bind exhausted ::1 1",
                            "bind no_address 10.99.9.9 3", "bind no_address 10.99.9.9:5555 1",
                            "bind no_address 2001:db8::1 2",
                        ])
                }
            }

            /// It takes no port, and no hook sees that it has succeeded.
            @Test(arguments: SystemCallEntry.here)
            func aBindThatTakesNoPortTellsNothing(_ entry: SystemCallEntry) throws {
                try PrivateNamespace.run(settings: Self.eightPorts) {
                    let scene = try Scene(.v4)
                    let sockets = try Sockets(entry)
                    let bound = sockets.bind(20, "127.0.0.1", option: Self.noPort)
                    #expect(bound == [Int32](repeating: 0, count: 20))
                    Foundation.Thread.sleep(forTimeInterval: 0.2)
                    try finish(scene, inferred: false, [])
                }
            }

            /// Alone, and the caller goes on to do nothing that any hook sees.
            @Test(arguments: SystemCallEntry.here)
            func aLoneFailureIsToldSoon(_ entry: SystemCallEntry) throws {
                try PrivateNamespace.run(settings: Self.eightPorts) {
                    let scene = try Scene(.v4)
                    let sockets = try Sockets(entry)
                    #expect(sockets.bind(8, "127.0.0.1").allSatisfy { $0 == 0 })
                    // The reader sleeps, and looks up at each second.
                    Foundation.Thread.sleep(forTimeInterval: 1.3)
                    let before = Date()
                    #expect(sockets.bind(1, "127.0.0.1") == [EADDRINUSE])
                    try scene.tracer.wait("a failure") { $0.contains { $0.name == "failure" } }
                    let seconds = Date().timeIntervalSince(before)
                    #expect(seconds < 0.4)
                    try finish(
                        scene, inferred: isInferred(entry, scene), ["bind exhausted 127.0.0.1 1"])
                }
            }

            /// EACCES, but above 1023 all may.
            @Test(arguments: SystemCallEntry.here)
            func aPrivilegedPortTellsNothing(_ entry: SystemCallEntry) throws {
                try PrivateNamespace.run(settings: Self.eightPorts) {
                    let scene = try Scene(.v4)
                    let sockets = try Sockets(entry)
                    try Self.withoutRightToBind {
                        #expect(sockets.bind(3, "127.0.0.1", port: 80) == [EACCES, EACCES, EACCES])
                        #expect(sockets.bind(1, "127.0.0.1", port: 1024) == [0])
                        #expect(sockets.bind(1, "127.0.0.1", port: 1024) == [EADDRINUSE])
                    }
                    #expect(sockets.bind(2, "127.0.0.1", port: 80) == [0, EADDRINUSE])
                    try finish(
                        scene, inferred: isInferred(entry, scene),
                        ["bind collision 127.0.0.1:1024 1", "bind collision 127.0.0.1:80 1"])
                }
            }

            /// Runs without CAP_NET_BIND_SERVICE in force: this thread, the others keep it.
            private static func withoutRightToBind(_ body: () throws -> Void) throws {
                var header: [UInt32] = [0x2008_0522, 0]  // _LINUX_CAPABILITY_VERSION_3
                var sets = [UInt32](repeating: 0, count: 6)
                func call(_ number: Int) -> Int {
                    header.withUnsafeMutableBytes { header in
                        sets.withUnsafeMutableBytes {
                            systemCall(
                                number, Int(bitPattern: header.baseAddress!),
                                Int(bitPattern: $0.baseAddress!))
                        }
                    }
                }
                let (capget, capset) = (125, 126)
                try #require(call(capget) == 0)
                let effective = sets[0]
                sets[0] = effective & ~(1 << 10)
                try #require(call(capset) == 0)
                defer {
                    sets[0] = effective
                    precondition(call(capset) == 0, "cannot take the right back")
                }
                try body()
            }
        }
    }
#endif
