import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// Failed calls of many processes: each counted for its own, and reported by name.
    @Suite struct NameCountTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0",
        ]
        /// One connect() of this very shell.
        private static let connect = ": <>/dev/tcp/127.0.0.1/\(Scene.port)"

        /// Runs `script`, while the tuple has no port left.
        private func trace(_ script: String) throws -> (events: [Event], summary: Summary) {
            var result: (events: [Event], summary: Summary)?
            try PrivateNamespace.run(settings: Self.settings) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(8)
                _ = try run("/bin/bash", ["-c", script])
                let summary = try scene.tracer.stop()
                result = (scene.tracer.events, summary)
            }
            return try #require(result)
        }

        private func rows(_ list: String, of summary: Summary) throws -> [[String: any Sendable]] {
            let rows = try #require(summary.tuples.first?[list] as? [[String: any Sendable]])
            return rows.filter { $0["comm"] as? String == "bash" }
        }

        /// As of php-fpm or gunicorn.
        @Test func eachWorkerHasWhatItHad() throws {
            let (events, summary) = try trace(
                """
                for w in $(seq 40); do
                    (for i in $(seq 50); do \(Self.connect); sleep 0.01; done) 2> /dev/null &
                done
                wait
                """)
            let workers = try rows("processes", of: summary)
            #expect(workers.count >= 10 && workers.allSatisfy { $0["failed"] as? Int == 50 })
            #expect(Set(workers.compactMap { $0["pid"] as? Int }).count == workers.count)
            let name = try #require(try rows("names", of: summary).first)
            #expect(name["processes"] as? Int == 40 && name["failed"] as? Int == 2000)
            let failures = events.filter { $0.name == "failure" }
            #expect(failures.reduce(0) { $0 + ($1["count"] ?? 0) } == 2000)
            #expect(failures.contains { $0["processes"] == 40 })
        }

        @Test func aBurstOfShortLivedProcessesIsALineASecond() throws {
            let start = Date()
            let (events, summary) = try trace(
                "for i in $(seq 200); do (\(Self.connect)) 2> /dev/null; done")
            let seconds = Int(Date().timeIntervalSince(start))
            let failures = events.filter { $0.name == "failure" }
            #expect(failures.reduce(0) { $0 + ($1["count"] ?? 0) } == 200)
            #expect(failures.count <= 3 + seconds)
            let name = try #require(try rows("names", of: summary).first)
            #expect(name["processes"] as? Int == 200 && name["failed"] as? Int == 200)
            #expect(try rows("processes", of: summary).allSatisfy { $0["failed"] as? Int == 1 })
        }
    }
}
