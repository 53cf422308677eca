import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// `portgauge snapshot`: what it prints, its exit status, and what it does without BPF.
    @Suite struct SnapshotTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40063", "ipv4/tcp_tw_reuse": "0",
            "ipv4/ip_local_reserved_ports": "40010-40012",
        ]

        /// A peer that listens, with 20 connections to it and 8 in TIME_WAIT, and 5 bound sockets.
        private func inScene(_ body: () throws -> Void) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let crowd = Crowd()
                let peer = try Endpoint("127.0.0.1", port: 8080)
                try crowd.listen(on: Endpoint("0.0.0.0", port: 8080))
                for _ in 0..<20 { try crowd.connect(to: peer) }
                for _ in 0..<8 { try crowd.connect(to: Endpoint("127.0.0.3", port: 8080), .close) }
                for _ in 0..<5 { try crowd.bind(Endpoint("127.0.0.2", port: 0)) }
                try body()
                crowd.stayUntilHere()
            }
        }

        @Test func eachTupleAndPoolHasARow() throws {
            try inScene {
                let result = try run(portgauge.path, ["snapshot", "--comm", Self.ownName])
                #expect(result.status == 0 && result.errors == "")
                let rows = result.output.split(separator: "\n").map {
                    $0.split(separator: " ").prefix(6).joined(separator: " ")
                }
                // With a filter by process, what is in TIME_WAIT has none.
                #expect(
                    rows == [
                        "share held TIME_WAIT usable left tuple,", "35.7 % 20 0 56 36",
                        "8.1 % 5 0 61 56",
                    ])
            }
        }

        @Test(
            arguments: [
                ([], 0), (["--warn-at", "35"], 1), (["--warn-at", "36"], 0),
                (["--fail-at", "35"], 2),
                (["--warn-at", "10", "--fail-at", "36"], 1),
                (["--remote", "127.0.0.3", "--warn-at", "15"], 0),
            ] as [([String], Int32)])
        func theExitStatusSaysHowFull(options: [String], status: Int32) throws {
            try inScene {
                let own = ["--remote", "127.0.0.0/8:8080"]
                let options = options.contains("--remote") ? options : options + own
                let result = try run(portgauge.path, ["snapshot"] + options)
                #expect(result.status == status, "\(result)")
            }
        }

        @Test func withoutBPFItAsksSockDiag() throws {
            try inScene {
                let result = try run(
                    "/usr/bin/setpriv",
                    [
                        "--bounding-set=-all", "--inh-caps=-all", portgauge.path, "snapshot",
                        "--output", "json",
                    ])
                #expect(result.status == 0 && result.errors.contains("sock_diag"))
                let event = try Event(result.output)
                let worst = Kernel.listsBoundSockets ? 35.7 : 32.7
                #expect(event["source"] == "sock_diag" && event["worst_percent"] == worst)
                let tuples: [[String: any Sendable]] = event["tuples"] ?? []
                let seen = tuples.map { tuple in
                    ["held", "time_wait", "usable", "available"].map { tuple[$0] as? Int ?? -1 }
                }
                let bound = Kernel.listsBoundSockets ? 5 : 0
                #expect(
                    seen == [[20, 0, 61 - bound, 41 - bound], [8, 8, 61 - bound, 53 - bound]])
            }
        }

        @Test(arguments: ["0", "101", "x", ""]) func aPercentIsOne(text: String) throws {
            let result = try run(portgauge.path, ["snapshot", "--warn-at", text])
            #expect(result.status == 64 && result.output == "")
        }

        @Test func aFullDiskIsUnknown() throws {
            let result = try run("/bin/sh", ["-c", "\(portgauge.path) snapshot > /dev/full"])
            #expect(result.status == 3 && result.errors.contains("ENOSPC"))
        }

        private static var ownName: String {
            let name = try? String(contentsOfFile: "/proc/self/comm", encoding: .utf8)
            return String((name ?? "").dropLast())
        }
    }
}
