import Foundation
import LoadGenerator
import Testing

/// What `portgauge doctor` says of a private network namespace, with real sockets in it.
extension LiveTests {
    @Suite struct DoctorTests {
        private typealias Fields = [String: any Sendable]

        /// Settings that leave nothing to be said but how many ports there are.
        private static let sound = [
            "ipv4/ip_local_port_range": "10000 65535", "ipv4/tcp_tw_reuse": "1",
            "ipv4/tcp_max_tw_buckets": "262144",
        ]

        /// One run of it, and what it says of the namespace it was run in.
        private struct Report {
            let status: Int32
            let whole: Fields
            let own: Fields

            /// Runs in the namespace of the calling thread.
            init() throws {
                let result = try run(portgauge.path, ["doctor", "--output", "json"])
                try self.init(result.output, status: result.status)
                #expect(result.errors == "")
            }

            init(_ json: String, status: Int32) throws {
                self.status = status
                whole = try #require(
                    try JSONSerialization.jsonObject(with: Data(json.utf8)) as? Fields)
                let all = try #require(whole["namespaces"] as? [Fields])
                own = try #require(all.first { $0["own"] as? Bool == true })
                #expect(own["inode"] as? Int == Int(try PrivateNamespace.currentInode()))
            }

            var findings: [Fields] { own["findings"] as? [Fields] ?? [] }
            var settings: Fields { own["settings"] as? Fields ?? [:] }

            subscript(_ name: String) -> Fields? {
                findings.first { $0["finding"] as? String == name }
            }

            func verdict(_ name: String) -> String? { self[name]?["verdict"] as? String }
            func number(_ name: String, _ figure: String) -> Int? { self[name]?[figure] as? Int }
            func text(_ name: String) -> String { self[name]?["text"] as? String ?? "" }
            func commands(_ name: String) -> [String] { self[name]?["commands"] as? [String] ?? [] }

            /// Does what a finding says, in the namespace of the calling thread.
            func follow(_ name: String) throws {
                let commands = commands(name)
                #expect(!commands.isEmpty)
                for command in commands {
                    let match = try #require(
                        command.wholeMatch(of: /sysctl -w net\.ipv4\.(\w+)=("?)([^"]*)\2/))
                    try PrivateNamespace.set(["ipv4/\(match.1)": String(match.3)])
                }
            }
        }

        private static func listen(_ address: String, _ port: UInt16) throws -> TCPSocket {
            let endpoint = try Endpoint(address, port: port)
            let socket = try TCPSocket(family: endpoint)
            try socket.bind(to: endpoint, reuseAddress: true)
            try socket.listen()
            return socket
        }

        /// Leaves TIME_WAITs of the client, or connections that are kept.
        private static func connect(
            _ address: String, to listener: borrowing TCPSocket, waits: Int
        ) throws {
            let server = try Endpoint(address, port: try listener.localPort)
            for _ in 0..<waits {
                let client = try TCPSocket(family: server)
                try client.connect(to: server)
                let peer = try listener.accept()
                try client.shutdownWrite()
                try peer.waitForEnd()
                try peer.close()
                try client.waitForEnd()
                try client.close()
            }
        }

        /// An address that is none of loopback's.
        private static let other = "10.99.0.1"
        private static func addOtherAddress() throws {
            let result = try run(
                "/bin/sh", ["-c", "PATH=$PATH:/usr/sbin:/sbin ip addr add \(other)/32 dev lo"])
            try #require(result.status == 0, "\(result.errors)")
        }

        /// A process of that name, with a listener, in the namespace of the calling thread.
        private final class Named: Sendable {
            private let process = Process()
            private let input: FileHandle

            init(_ name: String, port: UInt16) throws {
                let output = Pipe()
                let pipe = Pipe()
                input = pipe.fileHandleForWriting
                process.executableURL = portgauge
                process.arguments = [
                    "load", "--in-place", "--hold", "--name", name, "--port", "\(port)",
                    "--destinations", "1", "--clients", "1", "--servers", "1", "--connections", "1",
                ]
                process.standardInput = pipe
                process.standardOutput = output
                try process.run()
                let line = String(
                    decoding: output.fileHandleForReading.availableData, as: UTF8.self)
                try #require(line.hasPrefix("holding 1"))
            }

            var pid: Int { Int(process.processIdentifier) }

            /// Returns when it has gone.
            func stop() {
                try? input.close()
                process.waitUntilExit()
            }

            deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        }

        // MARK: As a whole

        /// The limit on TIME_WAITs depends on the memory: a small machine has fewer than ports.
        @Test func defaultSettings() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_max_tw_buckets": "28232"]) {
                let report = try Report()
                #expect(report.status == 0)
                #expect(report.whole["can_trace"] as? Bool == true)
                #expect(report.whole["btf"] as? Bool == true)
                #expect(report.whole["reason"] is NSNull)
                #expect(report.number("range", "usable") == 28_232)
                #expect(report.number("range", "gain") == 27_304)
                #expect(report.number("range", "gain_percent") == 97)
                #expect(report.number("not_dynamic", "ports") == 16_384)
                #expect(report.verdict("reuse") == "ok")
                #expect(report.text("rate").hasPrefix("470 connections a second"))
                #expect(!report.findings.contains { $0["verdict"] as? String == "hurts" })

                let text = try run(portgauge.path, ["doctor"])
                #expect(text.status == 0 && text.errors == "")
                #expect(text.output.contains("  ok       BTF "))
                #expect(text.output.contains("\nportgauge can trace here"))
                #expect(text.output.contains("  note     ip_local_port_range  32768-60999: 28,232"))
                #expect(!text.output.contains("\u{1b}"))
            }
        }

        @Test func soundSettings() throws {
            try PrivateNamespace.run(settings: Self.sound) {
                let report = try Report()
                let notes = report.findings.filter { $0["verdict"] as? String != "ok" }
                #expect(notes.map { $0["finding"] as? String } == ["not_dynamic", "rate"])
                #expect(report.verdict("range") == "ok" && report.verdict("reuse_on") == "ok")
                #expect(report["rate"]?["per_second"] as? Double == 925.6)
                #expect(report["rate"]?["per_second_with_reuse"] as? Double == 55_536)
            }
        }

        @Test func theTextFits() throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "30000 30499"
            settings["ipv4/ip_local_reserved_ports"] = stride(from: 30_001, to: 30_400, by: 2)
                .map(String.init).joined(separator: ",")
            settings["ipv4/tcp_tw_reuse"] = "1"
            settings["ipv4/tcp_timestamps"] = "0"
            settings["ipv4/tcp_max_tw_buckets"] = "7"
            settings["ipv4/tcp_fin_timeout"] = "5"
            try PrivateNamespace.run(settings: settings) {
                let listener = try Self.listen("127.0.0.1", 30_410)
                let text = try run(portgauge.path, ["doctor"]).output
                let own = try #require(
                    text.components(separatedBy: "\nsettings of ").dropFirst().first)
                for line in own.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
                #expect(own.contains("  hurts    reserved ports       200 of the range"))
                // A list that is too long for a line is still one command.
                let command = try #require(own.firstMatch(of: /sysctl(?:[^\n]*\\\n)+[^\n]*/)).output
                let report = try Report()
                #expect(
                    command.replacing("\\\n", with: "")
                        == (report.commands("range").first ?? "")[...])
                try listener.close()
            }
        }

        // MARK: Each finding

        @Test func aNarrowRangeAndItsCure() throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "40000 40063"
            settings["ipv4/ip_local_reserved_ports"] = "80,40001-40002"
            try PrivateNamespace.run(settings: settings) {
                let listener = try Self.listen("::1", 40_005)
                let outside = try Self.listen("127.0.0.1", 20_000)
                let before = try Report()
                #expect(before.verdict("range") == "hurts")
                #expect(before.number("range", "usable") == 61)
                #expect(before.number("reserved", "ports") == 2)
                #expect(before.verdict("reserved") == "note")
                try before.follow("range")
                let after = try Report()
                #expect(after.verdict("range") == "ok")
                #expect(
                    after.number("range", "usable")
                        == 61 + (try #require(before.number("range", "gain"))))
                #expect(after.number("range", "usable") == 55_536 - 4)
                // Both servers have their ports for themselves.
                #expect(
                    after.settings["ip_local_reserved_ports"] as? String
                        == "80,20000,40001-40002,40005")
                #expect(after["listeners"] == nil)
                try listener.close()
                try outside.close()
            }
        }

        /// What it calls usable is what connect() gets.
        @Test func usablePortsAreUsable() throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "40000 40009"
            settings["ipv4/ip_local_reserved_ports"] = "40003-40004"
            try PrivateNamespace.run(settings: settings) {
                let server = try Endpoint("127.0.0.1", port: 80)
                let listener = try Self.listen("127.0.0.1", 80)
                let inside = try Self.listen("127.0.0.2", 40_005)
                let bound = try TCPSocket(family: server)
                try bound.bind(to: try Endpoint("127.0.0.3", port: 40_006))
                let usable = try Report().number("range", "usable")
                #expect(usable == (Kernel.listsBoundSockets ? 6 : 7))
                var load = ConnectLoop(destinations: [server])
                load.startServers = false
                load.connections = 11
                load.hold = true
                #expect(try load.run().opened == 6)
                try bound.close()
                try inside.close()
                try listener.close()
            }
        }

        @Test func listenersAndBoundSockets() throws {
            try PrivateNamespace.run(settings: Self.sound) {
                let server = try Named("pg-server", port: 10_080)
                let low = try Self.listen("127.0.0.1", 81)
                let bound = try TCPSocket(family: try Endpoint("::1", port: 0))
                try bound.bind(to: try Endpoint("::1", port: 12_345))
                let report = try Report()
                #expect(report.verdict("listeners") == "note")
                #expect(report.number("listeners", "ports") == 1)
                let holders = report["listeners"]?["holders"] as? [Fields] ?? []
                #expect(holders.allSatisfy { $0["port"] as? Int == 10_080 })
                #expect(holders.first?["comm"] as? String == "pg-server")
                #expect(holders.first?["pid"] as? Int == server.pid)
                #expect(report.text("listeners").contains("pg-server[\(server.pid)] on "))
                if Kernel.listsBoundSockets {
                    #expect(report.verdict("bound") == "note")
                    let holder = (report["bound"]?["holders"] as? [Fields])?.first
                    #expect(holder?["address"] as? String == "::1")
                    #expect(holder?["port"] as? Int == 12_345)
                    #expect(holder?["pid"] as? Int == Int(getpid()))
                }
                #expect(
                    report.number("range", "usable") == (Kernel.listsBoundSockets ? 55_534 : 55_535)
                )
                try report.follow("listeners")
                #expect(try Report()["listeners"] == nil)
                try bound.close()
                try low.close()
                server.stop()
            }
        }

        @Test func nodePorts() throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "32000 60999"
            try PrivateNamespace.run(settings: settings) {
                let kubelet = try Named("kubelet", port: 10_250)
                let report = try Report()
                #expect(report.verdict("node_ports") == "hurts")
                #expect(report.number("node_ports", "ports") == 768)
                #expect(report["node_ports"]?["pid"] as? Int == kubelet.pid)
                // Less what would have to be reserved: NodePorts, and what kubelet listens on.
                #expect(report.number("range", "gain") == 55_536 - 2768 - 1 - 29_000)
                try report.follow("node_ports")
                let after = try Report()
                #expect(after["node_ports"] == nil)
                #expect(
                    after.settings["ip_local_reserved_ports"] as? String == "10250,30000-32767")
                kubelet.stop()
                #expect(try Report()["node_ports"] == nil)
            }
        }

        @Test func reuseWithoutTimestamps() throws {
            var settings = Self.sound
            settings["ipv4/tcp_timestamps"] = "0"
            try PrivateNamespace.run(settings: settings) {
                let report = try Report()
                #expect(report.verdict("reuse_without_timestamps") == "hurts")
                #expect(report["reuse_on"] == nil)
                try report.follow("reuse_without_timestamps")
                let after = try Report()
                #expect(after["reuse_without_timestamps"] == nil)
                #expect(after.verdict("reuse_on") == "ok")
            }
        }

        @Test(arguments: [("2", 20, 1), ("0", 30, 2)])
        func timeWaitsThatAreNotUsedAgain(reuse: String, waits: Int, connections: Int) throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "40000 40099"
            settings["ipv4/tcp_tw_reuse"] = reuse
            try PrivateNamespace.run(settings: settings) {
                try Self.addOtherAddress()
                let listener = try Self.listen("::", 80)
                try Self.connect(Self.other, to: listener, waits: 20)
                try Self.connect("127.0.0.1", to: listener, waits: 10)
                let server = try Endpoint(Self.other, port: 80)
                let one = try TCPSocket(family: server)
                try one.connect(to: server)
                let two = try TCPSocket(family: server)
                try two.connect(to: try Endpoint("127.0.0.1", port: 80))
                let report = try Report()
                #expect(report.verdict("reuse") == "hurts")
                #expect(report.number("reuse", "time_waits") == waits)
                #expect(report.number("reuse", "connections") == connections)
                #expect(report.number("reuse", "fullest_time_waits") == 20)
                #expect(report["reuse"]?["fullest"] as? String == "10.99.0.1 → 10.99.0.1:80")
                #expect(report.number("max_time_waits", "time_waits") == 30)
                try report.follow("reuse")
                #expect(try Report().verdict("reuse_on") == "ok")
                try one.abort()
                try two.abort()
                try listener.close()
            }
        }

        @Test func finTimeout() throws {
            var settings = Self.sound
            settings["ipv4/tcp_fin_timeout"] = "15"
            try PrivateNamespace.run(settings: settings) {
                let report = try Report()
                #expect(report.verdict("fin_timeout") == "note")
                #expect(report.number("fin_timeout", "seconds") == 15)
            }
        }

        @Test func fewTimeWaits() throws {
            var settings = Self.sound
            settings["ipv4/tcp_max_tw_buckets"] = "55535"
            try PrivateNamespace.run(settings: settings) {
                let report = try Report()
                #expect(report.verdict("max_time_waits") == "hurts")
                #expect(report.number("max_time_waits", "limit") == 55_535)
                #expect(report.number("max_time_waits", "ports") == 55_536)
                try report.follow("max_time_waits")
                #expect(try Report().verdict("max_time_waits") == "ok")
            }
        }

        // MARK: Other namespaces

        @Test func anotherNamespace() throws {
            var settings = Self.sound
            settings["ipv4/ip_local_port_range"] = "40000 40063"
            try PrivateNamespace.run(settings: settings) {
                let server = try Named("\u{1b}[31m\"\\é", port: 40_001)
                let inode = Int(try PrivateNamespace.currentInode())
                let pid = server.pid
                try PrivateNamespace.run(settings: Self.sound) { try Self.look(at: inode, pid) }
                server.stop()
            }
        }

        /// From another namespace, at one with 64 ports in which a process listens on one of them.
        private static func look(at inode: Int, _ pid: Int) throws {
            let report = try Report()
            let all = report.whole["namespaces"] as? [Fields] ?? []
            let other = try #require(all.first { $0["inode"] as? Int == inode })
            #expect(other["own"] as? Bool == false)
            let findings = other["findings"] as? [Fields] ?? []
            let range = findings.first { $0["finding"] as? String == "range" }
            #expect(range?["verdict"] as? String == "hurts")
            #expect(range?["usable"] as? Int == 63)
            let listeners = findings.first { $0["finding"] as? String == "listeners" }
            let holder = (listeners?["holders"] as? [Fields])?.first
            #expect(holder?["comm"] as? String == "\u{1b}[31m\"\\é")
            // It has come back.
            #expect(report.number("range", "usable") == 55_536)

            let text = try run(portgauge.path, ["doctor"]).output
            #expect(!text.contains("\u{1b}"))
            #expect(text.contains("\\x1b[31m\"\\x5c\\xc3\\xa9[\(pid)]"))
            #expect(text.contains("\n  nsenter --net=/proc/"))
        }

        // MARK: Where it cannot trace

        /// Runs as nobody; the binary may lie where nobody can reach it.
        @Test func notRoot() throws {
            let copy = "/tmp/portgauge-doctor-\(getpid())"
            try run("/usr/bin/install", ["-m", "755", portgauge.path, copy])
            defer { unlink(copy) }
            var settings = Self.sound
            settings["ipv4/tcp_timestamps"] = "0"
            try PrivateNamespace.run(settings: settings) {
                let listener = try Self.listen("127.0.0.1", 10_001)
                let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", copy, "doctor"]
                let json = try run("/usr/bin/setpriv", nobody + ["--output", "json"])
                let report = try Report(json.output, status: json.status)
                #expect(report.status == 1)
                #expect(report.whole["can_trace"] as? Bool == false)
                #expect((report.whole["reason"] as? String)?.contains("run as root") == true)
                #expect(report.verdict("reuse_without_timestamps") == "hurts")
                // Its process may not be seen.
                let holder = (report["listeners"]?["holders"] as? [Fields])?.first
                #expect(holder?["port"] as? Int == 10_001 && holder?["pid"] == nil)

                let text = try run("/usr/bin/setpriv", nobody)
                #expect(text.status == 1)
                #expect(text.output.contains("missing  CAP_BPF"))
                #expect(text.output.contains("portgauge cannot trace here: "))
                #expect(text.output.contains("  hurts    tcp_tw_reuse "))
                #expect(text.output.contains("What hurts: 1 of these settings."))
                for line in text.output.split(separator: "\n") { #expect(line.count <= 80) }
                try listener.close()
            }
        }

        @Test func noTypeInformation() throws {
            let result = try run(
                "/usr/bin/unshare",
                [
                    "--mount", "sh", "-c",
                    "mount -t tmpfs none /sys/kernel/btf && exec \(portgauge.path) doctor",
                ])
            #expect(result.status == 1)
            #expect(result.output.contains("  ENOENT   BTF "))
            #expect(result.output.contains("CONFIG_DEBUG_INFO_BTF"))
            #expect(result.output.contains("settings of this network namespace"))
        }

        @Test func helpTellsTheExitStatus() throws {
            let help = try run(portgauge.path, ["doctor", "--help"])
            #expect(
                help.status == 0 && help.output.contains("Exit status:\n  0  portgauge can trace"))
            #expect(try run(portgauge.path, ["doctor", "--output", "xml"]).status == 64)
        }
    }
}
