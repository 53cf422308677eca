import Foundation
import LoadGenerator
import TestSupport
import Testing

extension LiveTests {
    /// The tracer against the kernel, in whatever order things may happen.
    @Suite struct OracleTests {
        /// PORTGAUGE_SEED replays a run.
        private static var seed: UInt64 {
            ProcessInfo.processInfo.environment["PORTGAUGE_SEED"].flatMap { UInt64($0) }
                ?? .random(in: 0...UInt64(UInt32.max))
        }

        @Test func randomOperations() throws {
            let seed = Self.seed
            print("oracle: PORTGAUGE_SEED=\(seed)")
            let tracer = try Tracer(Oracle.arguments)
            let tally = try Oracle(tracer: tracer, seed: seed, operations: 4000).run()
            print("oracle:", tally)
            #expect(tally.failed > 0)
            #expect(try tracer.stop().event["lost"] == 0)
        }
    }
}
