import Foundation
import LoadGenerator
import TestSupport
import Testing

/// One oracle after the other, a line a minute, and the tracer's memory.
final class Soak {
    private let end: Date
    private let tally = Oracle.Tally()
    private var random: SeededGenerator
    private var seeds = 0
    /// Rounds in which the tracer and the kernel were not of one mind.
    private(set) var drifts = 0

    private static let period = 60.0
    /// By then what the first minute made has gone, and memory is what it will be.
    private static let settled = 120.0
    /// What is allowed beyond a twentieth, in kilobytes: an arena of malloc more or less.
    private static let slack = 1024

    init(seed: UInt64, until end: Date) {
        self.end = end
        random = SeededGenerator(state: seed)
        say("PORTGAUGE_SEED=\(seed), until \(end)")
    }

    /// Enough is enough.
    var isOver: Bool { Date() > end || drifts >= 10 }

    /// Until the end, or a disagreement: what has gone wrong in a tracer stays wrong there.
    func run() throws {
        let tracer = try Tracer(Oracle.filter + ["--events", "all"], keeping: 5000)
        let start = Date()
        var next = start + Self.period
        var most: Int?
        while !isOver {
            // Some last longer than a TIME_WAIT.
            let operations = [2000, 4000, 4000, 40_000].randomElement(using: &random)!
            let oracle = Oracle(
                tracer: tracer, seed: random.next(), operations: operations, tally: tally)
            seeds += 1
            let round = Round(oracle)
            while !round.wait(until: next) {
                let memory = try tracer.residentKB
                report(memory, of: tracer)
                if let most, memory > most {
                    Issue.record("VmRSS \(memory) kB, and at most \(most) was expected")
                }
                if most == nil, next.timeIntervalSince(start) >= Self.settled {
                    most = memory + memory / 20 + Self.slack
                }
                next += Self.period
            }
            do {
                try round.result()
            } catch let error as Oracle.Disagreement {
                drifts += 1
                Issue.record(error)
                report(try tracer.residentKB, of: tracer)
                return tracer.kill9()
            }
        }
        report(try tracer.residentKB, of: tracer)
        let summary = try tracer.stop()
        #expect(summary.event["lost"] == 0 && summary.event["lines_dropped"] == 0)
    }

    private func report(_ memory: Int, of tracer: Tracer) {
        let counts = tally.counts
        say(
            "\(seeds) seeds, \(counts.operations) operations, \(counts.restPoints) rest points, "
                + "\(drifts) drifts, VmRSS \(memory) kB")
    }

    private func say(_ text: String) {
        print("soak:", text)
        fflush(nil)
    }
}

/// An oracle in a thread of its own.
private final class Round: @unchecked Sendable {
    private let ended = NSCondition()
    private var outcome: Result<Void, any Error>?

    init(_ oracle: Oracle) {
        let thread = Foundation.Thread { [self] in
            let result = Result { try oracle.run() }
            ended.withLock {
                outcome = result
                ended.broadcast()
            }
        }
        thread.start()
    }

    /// Returns false if the time is up before it has ended.
    func wait(until deadline: Date) -> Bool {
        ended.lock()
        defer { ended.unlock() }
        while outcome == nil {
            if !ended.wait(until: deadline) { return outcome != nil }
        }
        return true
    }

    /// To be called when it has ended.
    func result() throws { try ended.withLock { outcome }?.get() }
}
