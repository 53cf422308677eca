import Foundation
import LoadGenerator
import TestSupport
import Testing

extension LiveTests {
    /// The tracer against the kernel, in whatever order things may happen.
    @Suite struct OracleTests {
        private static func number(_ name: String) -> UInt64? {
            ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
        }

        /// PORTGAUGE_SEED replays a run, as far as the kernel decides the same.
        private static var seed: UInt64 {
            SeededGenerator.wished ?? .random(in: 0...UInt64(UInt32.max))
        }

        @Test func randomOperations() throws {
            let seed = Self.seed
            print("oracle: PORTGAUGE_SEED=\(seed)")
            let tracer = try Tracer(Oracle.filter + ["--events", "all", "--audit", "1"])
            let tally = Oracle.Tally()
            // Fewer in an emulated machine.
            let operations = Int(Self.number("PORTGAUGE_OPERATIONS") ?? 4000)
            try Oracle(tracer: tracer, seed: seed, operations: operations, tally: tally).run()
            print("oracle:", tally.counts)
            #expect(tally.counts.failed > 0)
            let summary = try tracer.stop()
            let audits: Int = summary.event["audits"] ?? 0
            let drift: Int = summary.event["largest_drift"] ?? -1
            print("oracle: \(audits) audits, largest drift \(drift)")
            #expect(summary.event["lost"] == 0 && summary.event["lines_dropped"] == 0)
        }

        /// For SOAK_SECONDS, with one seed after the other: the view stays exact, and the tracer's
        /// memory stays what it was after the first TIME_WAITs have ended.
        @Test(.enabled(if: number("SOAK_SECONDS") != nil, "make soak runs it"))
        func soak() throws {
            let seconds = Double(Self.number("SOAK_SECONDS") ?? 0)
            let soak = Soak(seed: Self.seed, until: Date(timeIntervalSinceNow: seconds))
            while !soak.isOver { try soak.run() }
            #expect(soak.drifts == 0)
        }
    }
}
