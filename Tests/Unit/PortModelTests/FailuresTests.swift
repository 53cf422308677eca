import TestSupport
import Testing

@testable import PortModel

private let millisecond: UInt64 = 1_000_000

/// When a failure is reported, and how it is counted.
@Suite struct FailuresTests {
    /// Something that happens, at so many milliseconds.
    enum Step: Sendable {
        /// A connect() of a process finds no port.
        case fails(UInt32, socket: UInt64, at: UInt64, peer: UInt16 = 80, port: UInt16 = 0)
        /// A connect() has returned: by the return hook.
        case returns(socket: UInt64, at: UInt64, errno: UInt16 = 99, pid: UInt32 = 1)
        case bindFails(at: UInt64, errno: UInt16 = 98)
        case settles(at: UInt64)
        /// A second is over.
        case tick
        /// The trace is over.
        case end
    }

    struct Course: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var awaitsReturns = true
        /// Ports that a bind() holds, of eight: read before the reports, but after the failures.
        var bound = 0
        var steps: [Step]
        /// Each with its process, how many calls of how many processes it stands for, its errno and its
        /// cause.
        var reported: [String]
        var causes: [Cause: Int] = [:]
        var refusals: [Cause: Int] = [:]
    }

    static let courses: [Course] = [
        Course(
            testDescription: "the first at once, then a count a second",
            awaitsReturns: false,
            steps: [
                .fails(1, socket: 1, at: 1), .fails(1, socket: 2, at: 2),
                .fails(1, socket: 3, at: 3), .fails(2, socket: 4, at: 4),
                .fails(1, socket: 5, at: 5, peer: 81), .tick, .fails(1, socket: 6, at: 6), .tick,
                .tick, .fails(1, socket: 7, at: 7),
            ],
            reported: [
                "1 × 1, exhausted", "1 × 1, exhausted", "2 × 3 of 2, exhausted",
                "1 × 1, exhausted", "1 × 1, exhausted",
            ],
            causes: [.exhausted: 7]),
        Course(
            testDescription: "a burst of short-lived processes is a line a second",
            awaitsReturns: false,
            steps: (1...200).map { .fails($0, socket: UInt64($0), at: 1) } + [.tick]
                + (201...1400).map { .fails($0, socket: UInt64($0), at: 2) } + [
                    .fails(202, socket: 1401, at: 3), .tick,
                ],
            reported: [
                "1 × 1, exhausted", "200 × 199 of 199, exhausted", "202 × 1201 of 1001, exhausted",
            ], causes: [.exhausted: 1401]),
        Course(
            testDescription: "without returns a refusal is its own",
            awaitsReturns: false,
            steps: [
                .fails(1, socket: 1, at: 1), .bindFails(at: 2), .settles(at: 1000), .tick,
            ],
            reported: ["1 × 1, exhausted", "bind 1 × 1, 98, exhausted"],
            causes: [.exhausted: 1], refusals: [.exhausted: 1]),
        Course(
            testDescription: "reported with what it returned",
            steps: [
                .fails(1, socket: 7, at: 1), .settles(at: 2), .returns(socket: 7, at: 2),
                .settles(at: 5000), .tick, .end,
            ], reported: ["1 × 1, 99, exhausted"], causes: [.exhausted: 1]),
        Course(
            testDescription: "what it returned decides the cause",
            steps: [
                .fails(1, socket: 7, at: 1), .returns(socket: 7, at: 2, errno: 12), .tick, .end,
            ], reported: ["1 × 1, 12, noMemory"], causes: [.noMemory: 1]),
        Course(
            testDescription: "what returns too late is reported once",
            steps: [
                .fails(1, socket: 7, at: 1), .settles(at: 101), .settles(at: 102),
                .settles(at: 103), .returns(socket: 7, at: 200), .tick, .end,
            ], reported: ["1 × 1, exhausted"], causes: [.exhausted: 1]),
        Course(
            testDescription: "what never returns is forgotten",
            steps: [
                .fails(1, socket: 7, at: 1), .settles(at: 300), .settles(at: 2000),
                .returns(socket: 7, at: 2000), .end,
            ],
            reported: ["1 × 1, exhausted", "1 × 1, 99, noAddress"],
            causes: [.exhausted: 1], refusals: [.noAddress: 1]),
        Course(
            testDescription: "what never returns is reported, though nobody looked in time",
            steps: [
                .fails(2, socket: 8, at: 3000), .settles(at: 9000), .settles(at: 9001), .end,
            ], reported: ["2 × 1, exhausted"], causes: [.exhausted: 1]),
        Course(
            testDescription: "the second return is not of the search that failed",
            steps: [
                .fails(1, socket: 7, at: 1), .returns(socket: 7, at: 2),
                .returns(socket: 7, at: 3, pid: 9), .end,
            ],
            reported: ["1 × 1, 99, exhausted", "9 × 1, 99, noAddress"],
            causes: [.exhausted: 1], refusals: [.noAddress: 1]),
        Course(
            testDescription: "a socket that fails again is counted again",
            steps: (1...5).flatMap {
                [.fails(1, socket: 7, at: 2 * $0), .returns(socket: 7, at: 2 * $0 + 1)]
            } + [.tick],
            reported: ["1 × 1, 99, exhausted", "1 × 4, 99, exhausted"], causes: [.exhausted: 5]),
        Course(
            testDescription: "a lost return loses no failure",
            steps: [
                .fails(1, socket: 7, at: 1), .fails(1, socket: 7, at: 5),
                .returns(socket: 7, at: 6), .tick,
            ],
            reported: ["1 × 1, exhausted", "1 × 1, 99, exhausted"], causes: [.exhausted: 2]),
        Course(
            testDescription: "named ports, binds and errors are apart",
            awaitsReturns: false,
            steps: [
                .fails(1, socket: 1, at: 1), .fails(1, socket: 2, at: 1, port: 40_001),
                .fails(1, socket: 3, at: 1, port: 40_002), .bindFails(at: 3),
                .bindFails(at: 4, errno: 12), .bindFails(at: 5, errno: 12), .tick,
            ],
            reported: [
                "1 × 1, exhausted", "1 × 1, collision", "bind 1 × 1, 98, exhausted",
                "bind 1 × 1, 12, noMemory", "1 × 1, collision", "bind 1 × 1, 12, noMemory",
            ],
            causes: [.exhausted: 1, .collision: 2], refusals: [.exhausted: 1, .noMemory: 2]),
        Course(
            testDescription: "the last failures have a cause, though nobody has them reported",
            awaitsReturns: false,
            steps: [
                .fails(1, socket: 1, at: 1), .fails(1, socket: 2, at: 2),
                .fails(1, socket: 3, at: 3),
            ], reported: ["1 × 1, exhausted"], causes: [.exhausted: 3]),
        Course(
            testDescription: "pending ones have a cause as well",
            steps: [.fails(1, socket: 1, at: 1), .fails(2, socket: 2, at: 2)],
            reported: [], causes: [.exhausted: 2]),
        Course(
            testDescription: "those pending are reported at the end, oldest first",
            steps: [
                .fails(2, socket: 2, at: 1), .fails(1, socket: 1, at: 2),
                .fails(1, socket: 3, at: 3), .fails(1, socket: 4, at: 4), .end, .end,
            ],
            reported: ["2 × 1, exhausted", "1 × 3, exhausted"],
            causes: [.exhausted: 4]),
        Course(
            testDescription: "what was repeated since the last second is reported at the end",
            awaitsReturns: false,
            steps: [
                .fails(1, socket: 1, at: 1), .tick, .fails(1, socket: 2, at: 2),
                .fails(1, socket: 3, at: 3), .bindFails(at: 4), .bindFails(at: 5), .end, .tick,
            ],
            reported: [
                "1 × 1, exhausted", "1 × 1, exhausted", "bind 1 × 1, 98, exhausted",
                "1 × 1, exhausted", "bind 1 × 1, 98, exhausted",
            ],
            causes: [.exhausted: 3], refusals: [.exhausted: 2]),
        Course(
            testDescription: "counted as reported, once the bind table is read",
            bound: 8,
            steps: [
                .fails(1, socket: 1, at: 1), .fails(1, socket: 2, at: 2),
                .returns(socket: 1, at: 3), .returns(socket: 2, at: 4),
                .fails(1, socket: 3, at: 5), .end,
            ],
            reported: ["1 × 1, 99, blocked", "1 × 1, blocked", "1 × 1, 99, blocked"],
            causes: [.blocked: 3]),
    ]

    private func describe(_ failure: Failure) -> String {
        let call = failure.call
        let kind = call.kind == .bind ? "bind " : ""
        let cause = call.cause.map { ", \($0)" } ?? ""
        let errno = call.errno.map { ", \($0)" } ?? ""
        let processes = failure.processes > 1 ? " of \(failure.processes)" : ""
        return "\(kind)\(call.process.pid) × \(failure.count)\(processes)\(errno)\(cause)"
    }

    private func process(_ pid: UInt32) -> ProcessID {
        ProcessID(pid: pid, name: ProcessID.Name("x"))
    }

    /// - Returns: what is reported then.
    private func take(_ step: Step, _ ledger: inout Ledger, bound: PortSet) -> [Failure] {
        switch step {
        case .fails(let pid, let socket, let time, let peer, let port):
            var tuple = Script.tuple
            tuple.remotePort = peer
            let connection = Script.connection(
                socket, at: time * millisecond, port: port, tuple: tuple, process: process(pid))
            _ = ledger.apply(.opened(connection))
            _ = ledger.apply(
                Script.closed(socket, at: time * millisecond, port: port, notSent: true))
        case .returns(let socket, let time, let errno, let pid):
            let call = FailedCall(
                scope: Script.scope(.connect), process: process(pid), errno: errno)
            _ = ledger.apply(
                .refused(Record.Refusal(time: time * millisecond, socket: socket, call: call)))
        case .bindFails(let time, let errno):
            let call = FailedCall(scope: Script.scope(.bind), process: process(1), errno: errno)
            _ = ledger.apply(
                .refused(Record.Refusal(time: time * millisecond, socket: 0, call: call)))
        case .settles(let time): ledger.settle(now: time * millisecond) { _ in }
        case .tick: return ledger.takeRepeatedFailures()
        case .end:
            ledger.setBound(bound, in: 1)
            return ledger.takeAllFailures()
        }
        let failing = ledger.failingNamespaces
        if failing.contains(1) { ledger.setBound(bound, in: 1) }
        let failures = ledger.takeFailures()
        #expect(failing.isEmpty == failures.isEmpty && ledger.failingNamespaces.isEmpty)
        return failures
    }

    @Test(arguments: courses) func comesTo(_ course: Course) {
        var ledger = Ledger()
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range)))
        ledger.failures.awaitsReturns = course.awaitsReturns
        // Others hold all ports, or what is left by binds.
        for peer: UInt16 in [80, 81] { Script.othersHold(Script.range, peer: peer, &ledger) }
        var bound = PortSet()
        for port in 0..<course.bound { bound.insert(40_000 + UInt16(port)) }
        var reported: [String] = []
        for step in course.steps {
            reported += take(step, &ledger, bound: bound).map(describe)
            for state in ledger.tuples {
                #expect(state.totals.failed == state.causes.values.reduce(0, +))
                for share in state.processes.leading {
                    #expect(share.failed == share.causes.values.reduce(0, +))
                }
            }
        }
        #expect(reported == course.reported)
        #expect(ledger.failures.refusalsByCause.mapValues(\.total) == course.refusals)
        var causes: [Cause: Int] = [:]
        for state in ledger.tuples { causes.merge(state.causes, uniquingKeysWith: +) }
        #expect(causes == course.causes)
        let summary = Summary(
            of: ledger, duration: 1, accuracy: Accuracy(), linesDropped: 0, limit: 10)
        #expect(summary.failures.allSatisfy { $0.call.cause != nil })
        #expect(
            summary.failures.reduce(0) { $0 + $1.count }
                == causes.values.reduce(0, +) + course.refusals.values.reduce(0, +))
    }

    /// Beyond 10,000 kinds at once each failure is reported by itself.
    @Test func manyKindsAreReportedAllTheSame() {
        var ledger = Ledger()
        var reported = 0
        for pid in 1...20_000 as ClosedRange<UInt32> {
            let process = ProcessID(pid: pid, name: ProcessID.Name("\(pid)"))
            let call = FailedCall(scope: Script.scope(.bind), process: process, errno: 98)
            for _ in 0..<2 {
                _ = ledger.apply(.refused(Record.Refusal(time: 1, socket: 0, call: call)))
            }
        }
        for failure in ledger.takeAllFailures() { reported += failure.count }
        #expect(reported == 40_000)
    }

    /// Failures and returns in any order: each is counted once, and reported once.
    @Test(arguments: SeededGenerator.seeds(8)) func eachIsCountedAndReportedOnce(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var ledger = Ledger()
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range)))
        ledger.failures.awaitsReturns = seed % 4 > 0
        var (failed, refused, reported) = (0, 0, 0)
        for time in 1...4000 as ClosedRange<UInt64> {
            let socket = UInt64.random(in: 1...6, using: &random)
            let pid = UInt32.random(in: 1...20, using: &random)
            let before = ledger.failures.refusalsByCause.values.reduce(0) { $0 + $1.total }
            var bound = PortSet()
            for port in 0..<UInt16.random(in: 0...8, using: &random) { bound.insert(40_000 + port) }
            let step: Step =
                switch Int.random(in: 0..<20, using: &random) {
                case 0..<8: .fails(pid, socket: socket, at: 10 * time)
                case 8..<14: .returns(socket: socket, at: 10 * time, pid: pid)
                case 14: .bindFails(at: 10 * time)
                case 15..<19: .settles(at: 10 * time)
                default: .tick
                }
            reported += take(step, &ledger, bound: bound).reduce(0) { $0 + $1.count }
            if case .fails = step { failed += 1 }
            refused += ledger.failures.refusalsByCause.values.reduce(0) { $0 + $1.total } - before
            let state = ledger.tuples.first
            #expect(state?.totals.failed ?? 0 == failed)
            #expect(state?.causes.values.reduce(0, +) ?? 0 == failed)
        }
        reported += ledger.takeAllFailures().reduce(0) { $0 + $1.count }
        #expect(reported == failed + refused && failed > 1000 && refused > 100)
    }

    /// Calls that were on their way when the hooks came into force, by what the seed has found.
    @Test(arguments: [(8, Cause.exhausted), (3, .beganBefore)])
    func beganBeforeTracing(held: Int, cause: Cause) {
        var ledger = Ledger()
        ledger.failures.awaitsReturns = true
        ledger.failures.followedSince = 1000
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range)))
        ledger.beginScan(for: .seed, at: 1000)
        var call = FailedCall(
            scope: .tuple(Script.tuple), process: Script.process, errno: 99)
        call.scope = .tuple(
            Tuple(
                netns: 1, local: IPAddress(v4: 0), remote: Script.tuple.remote,
                remotePort: Script.tuple.remotePort))
        _ = ledger.apply(.refused(Record.Refusal(time: 1001, socket: 77, call: call)))
        for socket in 1...UInt64(held) {
            let connection = Script.connection(socket, at: 1002, port: Script.port(socket))
            _ = ledger.apply(.exists(connection, state: .timeWait))
        }
        #expect(ledger.takeFailures().isEmpty)
        _ = ledger.endScan(of: [])
        let failures = ledger.takeFailures()
        #expect(failures.map(\.call.cause) == [cause] && failures[0].call.errno == 99)
        #expect(failures[0].usage.held == (cause == .exhausted ? 8 : 0))
        // Later, there is no local address.
        _ = ledger.apply(.refused(Record.Refusal(time: 200_000_000, socket: 78, call: call)))
        #expect(ledger.takeFailures().map(\.call.cause) == [.noAddress])
    }

    /// Connects that nobody answers hold their ports from their SYN on: that they have one shows when
    /// their thread calls again.
    @Test func unansweredConnectsAreHeldWhenOneFails() {
        var ledger = Ledger()
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range)))
        for socket in 1...9 as ClosedRange<UInt64> {
            var connection = Script.connection(socket, at: socket)
            connection.thread = 5
            _ = ledger.apply(.opened(connection))
        }
        // Another thread is searching still.
        _ = ledger.apply(.opened(Script.connection(20, at: 10)))
        _ = ledger.apply(Script.closed(9, at: 2_000_000, port: 0, notSent: true))
        #expect(ledger.tuples[0].held == 8)
        let failure = ledger.takeFailures().first
        #expect(failure?.usage.held == 8 && failure?.usage.available == 0)
        #expect(failure?.call.cause == .exhausted)
        var kinds: [Change.Kind] = []
        ledger.settle(now: 2_000_001) { kinds.append($0.kind) }
        #expect(kinds == Array(repeating: .connecting, count: 8))
    }
}
