import PortModel
import Testing

/// Statements about a socket, written briefly.
struct Script {
    static func namespace(_ pool: PortPool) -> Record {
        .namespace(netns: 1, Namespace(inode: 1, pool: pool), pid: 0)
    }

    static let tuple = Tuple(
        netns: 1, local: IPAddress(v4: 0x0a00_0001), remote: IPAddress(v4: 0x0a00_0009),
        remotePort: 80)
    static let range = PortRange(low: 40_000, high: 40_007)
    static let process = ProcessID(pid: 42, name: ProcessID.Name("client"))

    static func connection(
        _ socket: UInt64, at time: UInt64, port: UInt16 = 0, tuple: Tuple = tuple,
        process: ProcessID = process
    ) -> Record.Connection {
        Record.Connection(
            time: time, socket: socket, tuple: tuple, localPort: port, process: process,
            range: range)
    }

    /// Processes that the filter does not choose hold these ports of the tuple.
    static func othersHold(
        _ ports: PortRange, of range: PortRange = Script.range, peer: UInt16 = 80,
        _ ledger: inout Ledger
    ) {
        ledger.isFiltered = true
        guard ports.low <= ports.high else { return }
        for port in ports.low...ports.high {
            var connection = connection(UInt64(port) << 16 | UInt64(peer), at: 1)
            connection.tuple.remotePort = peer
            connection.range = range
            connection.isOther = true
            _ = ledger.apply(.opened(connection))
            _ = ledger.apply(
                .established(socket: connection.socket, localPort: port, time: 2))
        }
    }

    static func opened(_ socket: UInt64, at time: UInt64, port: UInt16 = 0) -> Record {
        .opened(connection(socket, at: time, port: port))
    }

    static func established(_ socket: UInt64, at time: UInt64) -> Record {
        .established(socket: socket, localPort: port(socket), time: time)
    }

    static func closed(
        _ socket: UInt64, at time: UInt64, port: UInt16? = nil, error: UInt16 = 0,
        stillBound: Bool = false, notSent: Bool = false
    ) -> Record {
        .closed(
            Record.Closing(
                time: time, socket: socket, localPort: port ?? self.port(socket), error: error,
                stillBound: stillBound, notSent: notSent))
    }

    static func timeWait(
        _ socket: UInt64, _ successor: UInt64, at time: UInt64, reusable: Bool = false
    ) -> Record {
        .timeWait(socket: socket, successor: successor, reusable: reusable, time: time)
    }

    static func released(_ socket: UInt64, at time: UInt64, mayReturn: Bool = false) -> Record {
        .released(socket: socket, cookie: 0, mayReturn: mayReturn, time: time)
    }

    static func scope(_ kind: FailedCall.Kind, _ tuple: Tuple = tuple) -> PortScope {
        switch kind {
        case .connect: .tuple(tuple)
        case .bind: .bindPool(BindPool.Key(netns: tuple.netns, local: tuple.local))
        }
    }

    static func port(_ socket: UInt64) -> UInt16 { 40_000 + UInt16(socket % 8) }
}

private let refused: UInt16 = 111
private let millisecond: UInt64 = 1_000_000
private let object: UInt64 = 0xffff_8880_0000_0001

@Suite struct LedgerTests {
    /// What a course of records comes to.
    struct Course: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var records: [Record]
        var held = 0
        var timeWait = 0
        var opened = 0
        var closed = 0
        var failed = 0
        var peak = 0
        var errors: [UInt16: Int] = [:]
    }

    static let courses: [Course] = [
        Course(
            testDescription: "a connect() in search of a port holds none",
            records: [Script.opened(1, at: 10)]),
        Course(
            testDescription: "established",
            records: [Script.opened(1, at: 10), Script.established(1, at: 20)],
            held: 1, opened: 1, peak: 1),
        Course(
            testDescription: "the peer closes first: free at once",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20), Script.closed(1, at: 30),
            ], opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "we close first: TIME_WAIT",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30),
            ], held: 1, timeWait: 1, opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "TIME_WAIT over",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.released(object, at: 40),
            ], opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "→CLOSE told as well as the TIME_WAIT",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.closed(1, at: 30),
            ], held: 1, timeWait: 1, opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "refused: held a port for a moment",
            records: [Script.opened(1, at: 10), Script.closed(1, at: 20, error: refused)],
            opened: 1, closed: 1, peak: 1, errors: [refused: 1]),
        Course(
            testDescription: "closed by the program before it was connected",
            records: [Script.opened(1, at: 10), Script.closed(1, at: 20)],
            opened: 1, closed: 1, peak: 1, errors: [125: 1]),
        Course(
            testDescription: "no port left",
            records: [Script.opened(1, at: 10), Script.closed(1, at: 20, port: 0, notSent: true)],
            failed: 1),
        Course(
            testDescription: "the bound port is taken towards that peer",
            records: [
                Script.opened(1, at: 10, port: 40_001), Script.closed(1, at: 20, notSent: true),
            ], failed: 1),
        Course(
            testDescription: "a bound port is no longer the tuple's after CLOSE",
            records: [
                Script.opened(1, at: 10, port: 40_001), Script.established(1, at: 20),
                Script.closed(1, at: 30, stillBound: true),
            ], opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "a bound socket connects again",
            records: [
                Script.opened(1, at: 10, port: 40_001), Script.established(1, at: 20),
                Script.closed(1, at: 30, stillBound: true), Script.opened(1, at: 40, port: 40_001),
                Script.established(1, at: 50),
            ], held: 1, opened: 2, closed: 1, peak: 1),
        Course(
            testDescription: "the socket of a TIME_WAIT connects again",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.opened(1, at: 40),
                Script.established(1, at: 50),
            ], held: 2, timeWait: 1, opened: 2, closed: 1, peak: 2),
        Course(
            testDescription: "a connect() takes the port of a TIME_WAIT over",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.opened(2, at: 40),
                Script.released(object, at: 41), Script.established(2, at: 50),
            ], held: 1, opened: 2, closed: 1, peak: 1),
        Course(
            testDescription: "the timer of a TIME_WAIT is set again",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30),
                Script.released(object, at: 40, mayReturn: true),
                Script.timeWait(1, object, at: 40),
            ], held: 1, timeWait: 1, opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "the end of a TIME_WAIT was lost, and its memory is used again",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.opened(2, at: 40),
                Script.established(2, at: 50), Script.timeWait(2, object, at: 60),
            ], held: 1, timeWait: 1, opened: 2, closed: 2, peak: 2),
        Course(
            testDescription: "the end of a connection was lost, and its socket connects again",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20), Script.opened(1, at: 40),
                Script.established(1, at: 50),
            ], held: 1, opened: 2, peak: 1),
        Course(
            testDescription: "no port left, on a socket that was connected before",
            records: [
                Script.opened(1, at: 10), Script.closed(1, at: 20, error: refused),
                Script.opened(1, at: 30), Script.closed(1, at: 40, error: 104, notSent: true),
            ], opened: 1, closed: 1, failed: 1, peak: 1, errors: [refused: 1]),
        Course(
            testDescription: "an earlier TIME_WAIT of a socket that is connected again is re-armed",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30), Script.opened(1, at: 40),
                Script.established(1, at: 50),
                Script.released(object, at: 60, mayReturn: true),
                Script.timeWait(1, object, at: 60),
            ], held: 2, timeWait: 1, opened: 2, closed: 1, peak: 2),
        Course(
            testDescription: "a TIME_WAIT is over and another connect() begins, all read at once",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30),
                Script.released(object, at: 40, mayReturn: true),
                Script.opened(2, at: 40 + 100 * millisecond),
                Script.established(2, at: 50 + 100 * millisecond),
            ], held: 1, opened: 2, closed: 1, peak: 1),
        Course(
            testDescription: "another CPU connects before the timer of a TIME_WAIT is set again",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30),
                Script.released(object, at: 40, mayReturn: true),
                Script.opened(2, at: 40 + 99 * millisecond),
                Script.timeWait(1, object, at: 41 + 99 * millisecond),
                Script.established(2, at: 50 + 99 * millisecond),
            ], held: 2, timeWait: 1, opened: 2, closed: 1, peak: 2),
        Course(
            testDescription: "the memory of a TIME_WAIT that is over is used by a server's",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                Script.timeWait(1, object, at: 30),
                Script.released(object, at: 40, mayReturn: true),
                Script.timeWait(77, object, at: 41),
            ], opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "the beginning of a TIME_WAIT was skipped, its end was not",
            records: [
                Script.opened(1, at: 10), Script.established(1, at: 20),
                .released(socket: object, cookie: 1, mayReturn: false, time: 30),
            ], opened: 1, closed: 1, peak: 1),
        Course(
            testDescription: "sockets never heard of",
            records: [
                Script.established(1, at: 20), Script.closed(1, at: 30),
                Script.timeWait(1, object, at: 40), Script.released(object, at: 50),
            ]),
        Course(
            testDescription: "found by a snapshot, then closed",
            records: [
                .exists(Script.connection(1, at: 10, port: 40_001), state: .established),
                Script.closed(1, at: 30),
            ], closed: 1, peak: 1),
        Course(
            testDescription: "a TIME_WAIT found by a snapshot",
            records: [.exists(Script.connection(object, at: 10, port: 40_001), state: .timeWait)],
            held: 1, timeWait: 1, peak: 1),
        Course(
            testDescription: "a snapshot shows that a connect() has its port",
            records: [
                Script.opened(1, at: 10),
                .exists(Script.connection(1, at: 20, port: 40_001), state: .connecting),
            ], held: 1, opened: 1, peak: 1),
    ]

    private func check(_ course: Course, _ ledger: Ledger) throws {
        let known = ledger.tuples
        guard let account = known.first else {
            #expect(course.held == 0 && course.opened == 0 && course.failed == 0)
            return
        }
        #expect(known.count == 1)
        #expect(account.held == course.held)
        #expect(account.timeWait == course.timeWait)
        #expect(account.totals.opened == course.opened)
        #expect(account.totals.closed == course.closed)
        #expect(account.totals.failed == course.failed)
        #expect(account.peak.held == course.peak)
        #expect(account.errors == course.errors)
    }

    @Test(arguments: courses) func comesTo(_ course: Course) throws {
        var ledger = Ledger()
        for record in course.records { _ = ledger.apply(record) }
        try check(course, ledger)
    }

    @Test(arguments: courses) func eachRecordTwiceChangesNothing(_ course: Course) throws {
        var ledger = Ledger()
        for record in course.records {
            _ = ledger.apply(record)
            #expect(ledger.apply(record) == nil)
        }
        try check(course, ledger)
    }

    @Test func aLongConnectIsTakenToHaveItsPort() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: millisecond))
        ledger.settle(now: 100 * millisecond) { _ in Issue.record("too early") }
        var changes: [Change] = []
        ledger.settle(now: 101 * millisecond) { changes.append($0) }
        #expect(changes.map(\.kind) == [.connecting])
        #expect(ledger.tuples[0].held == 1)
        let change = ledger.apply(Script.closed(1, at: 130 * millisecond, error: 110))
        #expect(
            change?.kind
                == .closed(timeWait: false, lived: 129 * millisecond, error: 110))
        #expect(ledger.tuples[0].held == 0)
    }

    @Test func aLongConnectToAFullTupleIsStillSearching() {
        var ledger = Ledger()
        for socket in 1...8 as ClosedRange<UInt64> {
            _ = ledger.apply(Script.opened(socket, at: socket))
            _ = ledger.apply(Script.established(socket, at: socket))
        }
        _ = ledger.apply(Script.opened(9, at: 10))
        ledger.settle(now: 200 * millisecond) { _ in Issue.record("nothing is free") }
        let change = ledger.apply(Script.closed(9, at: 210 * millisecond, port: 0, notSent: true))
        #expect(change?.kind == .failed(search: 210 * millisecond - 10, range: nil))
        #expect(change?.held == 8 && change?.usable == 8)
        #expect(ledger.tuples[0].peak.held == 8)
        #expect(ledger.tuples[0].firstFailureAt == 210 * millisecond)
    }

    @Test func aTimerThatIsNotSetAgainEndsItsTimeWait() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        _ = ledger.apply(Script.established(1, at: 2))
        _ = ledger.apply(Script.timeWait(1, object, at: 3))
        #expect(ledger.apply(Script.released(object, at: 4, mayReturn: true)) == nil)
        #expect(ledger.tuples[0].held == 1)
        var changes: [Change] = []
        ledger.settle(now: 4 + millisecond) { changes.append($0) }
        #expect(changes.map(\.kind) == [.released])
        #expect(ledger.tuples[0].held == 0)
    }

    @Test func aSocketThatConnectsAgainLeavesItsTimeWait() {
        var other = Script.tuple
        other.remotePort += 1
        var left = Script.connection(99, at: 2, port: 40_002, tuple: other)
        left.cookie = 7
        var ledger = Ledger()
        ledger.beginScan(for: .seed, at: 0)
        _ = ledger.apply(
            .exists(Script.connection(7, at: 1, port: 40_001), state: .established))
        _ = ledger.apply(.exists(left, state: .timeWait))
        _ = ledger.endScan(of: [])
        let held = ledger.tuples.sorted { $0.tuple.remotePort < $1.tuple.remotePort }
        #expect(held.map(\.held) == [1, 1] && held.map(\.timeWait) == [0, 1])
    }

    @Test func whatEndedDuringASnapshotIsNotFoundByIt() {
        var ledger = Ledger()
        ledger.beginScan(for: .seed, at: 0)
        _ = ledger.apply(Script.released(object, at: 5))
        _ = ledger.apply(.exists(Script.connection(object, at: 4, port: 40_001), state: .timeWait))
        #expect(ledger.tuples.isEmpty)
        // The same memory, a new TIME_WAIT: that one is found.
        _ = ledger.apply(Script.opened(1, at: 7))
        _ = ledger.apply(Script.established(1, at: 8))
        _ = ledger.apply(Script.timeWait(1, object, at: 9))
        _ = ledger.apply(.exists(Script.connection(object, at: 10, port: 40_001), state: .timeWait))
        _ = ledger.endScan(of: [])
        #expect(ledger.tuples.map(\.held) == [1])
    }

    @Test func memoryUsedAgainDuringASnapshotIsFound() {
        var ledger = Ledger()
        _ = ledger.apply(.exists(Script.connection(object, at: 1, port: 40_001), state: .timeWait))
        ledger.beginScan(for: .seed, at: 0)
        _ = ledger.apply(Script.released(object, at: 5, mayReturn: true))
        // Another TIME_WAIT, of a socket nobody had met: only the snapshot shows it.
        _ = ledger.apply(.exists(Script.connection(object, at: 6, port: 40_002), state: .timeWait))
        _ = ledger.endScan(of: [])
        var released: [UInt16] = []
        ledger.settle(now: 10 * millisecond) { released.append($0.localPort) }
        #expect(released == [40_001])
        #expect(ledger.tuples.map(\.held) == [1])
    }

    @Test func aTupleWithASocketThatHoldsNothingIsNotForgotten() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        _ = ledger.takeTicks(at: 2_000_000_000)
        ledger.forgetIdle(keeping: 0, gone: 10)
        #expect(ledger.apply(Script.established(1, at: 2))?.held == 1)
        #expect(ledger.tuples.map(\.held) == [1])
    }

    @Test func theWidestRangeTellsWhatATupleCanHold() {
        func opened(_ socket: UInt64, _ low: UInt16, _ high: UInt16) -> Record {
            var connection = Script.connection(socket, at: socket)
            connection.range = PortRange(low: low, high: high)
            return .opened(connection)
        }
        var ledger = Ledger()
        _ = ledger.apply(Script.namespace(PortPool(range: PortRange(low: 1000, high: 1999))))
        #expect(ledger.apply(opened(1, 1000, 1001))?.usable == 2)
        #expect(ledger.apply(opened(2, 1000, 1999))?.usable == 1000)
        #expect(ledger.apply(opened(3, 1000, 1001))?.usable == 1000)
        _ = ledger.apply(Script.namespace(PortPool(range: PortRange(low: 1500, high: 1599))))
        #expect(ledger.apply(Script.established(3, at: 4))?.usable == 100)
    }

    @Test func changesNameTheProcessUntilTheEnd() {
        var ledger = Ledger()
        let changes = [
            Script.opened(1, at: 1), Script.established(1, at: 2),
            Script.timeWait(1, object, at: 3),
            Script.released(object, at: 4),
        ].compactMap { ledger.apply($0) }
        #expect(changes.count == 4)
        #expect(changes.allSatisfy { $0.process == Script.process })
        #expect(changes.map(\.held) == [0, 1, 1, 0])
        #expect(changes.map(\.localPort) == [0, 40_001, 40_001, 40_001])
    }

    @Test func foundConnectionsGetTheirOwner() {
        var ledger = Ledger()
        let process = ProcessID(pid: 7, name: ProcessID.Name("java"))
        _ = ledger.apply(
            .exists(
                Script.connection(1, at: 1, port: 40_001, process: .unknown), state: .established))
        _ = ledger.apply(.owner(socket: 1, netns: 1, process))
        _ = ledger.apply(.owner(socket: 1, netns: 1, Script.process))
        #expect(ledger.apply(Script.closed(1, at: 2))?.process == process)
        #expect(ledger.tuples[0].processes.top == process)
    }

    @Test func reservedPortsAreNotUsable() {
        var ledger = Ledger()
        var reserved = PortSet()
        reserved.insert(40_001)
        reserved.insert(50_000)
        let pool = PortPool(range: Script.range, reserved: reserved)
        _ = ledger.apply(Script.namespace(pool))
        #expect(ledger.apply(Script.opened(1, at: 1))?.usable == 7)
        reserved.insert(40_002)
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range, reserved: reserved)))
        #expect(ledger.apply(Script.established(1, at: 2))?.usable == 6)
    }

    @Test func idleTuplesAreForgottenAndTheirTotalsKept() {
        var ledger = Ledger()
        for index in 0..<10 as Range<UInt64> {
            let tuple = Tuple(
                netns: 1, local: Script.tuple.local, remote: Script.tuple.remote,
                remotePort: UInt16(index))
            _ = ledger.apply(.opened(Script.connection(index + 1, at: 1, tuple: tuple)))
            _ = ledger.apply(Script.established(index + 1, at: 2))
            if index > 0 { _ = ledger.apply(Script.closed(index + 1, at: 3)) }
        }
        #expect(ledger.takeTicks(at: 2_000_000_000).count == 10)
        ledger.forgetIdle(keeping: 5, gone: 10)
        #expect(ledger.tuples.count == 1)
        #expect(ledger.tuples.forgotten.tuples == 9)
        #expect(ledger.tuples.forgotten.totals.opened == 9)
        let summary = Summary(
            of: ledger, duration: 1, accuracy: Accuracy(), linesDropped: 0, limit: 10)
        #expect(summary.totals.opened == 10 && summary.totals.closed == 9)
        #expect(summary.tuplesOmitted == 9)
    }

    @Test func ticksAreWhatChangedSinceTheOneBefore() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        _ = ledger.apply(Script.established(1, at: 2))
        #expect(
            ledger.takeTicks(at: 2_000_000_000).map {
                [$0.usage.held, $0.since.opened, $0.since.closed]
            }
                == [[1, 1, 0]])
        #expect(ledger.takeTicks(at: 2_000_000_000).isEmpty)
        _ = ledger.apply(Script.timeWait(1, object, at: 3))
        #expect(
            ledger.takeTicks(at: 2_000_000_000).map {
                [$0.usage.held, $0.usage.timeWait, $0.since.closed]
            } == [[1, 1, 1]])
        _ = ledger.apply(Script.released(object, at: 4))
        #expect(
            ledger.takeTicks(at: 2_000_000_000).map { [$0.usage.held, $0.since.closed] } == [
                [0, 0]
            ])
    }
}
