import Testing

@testable import PortModel

private let object: UInt64 = 0xffff_8880_0000_0001

/// Which limit a call ran into.
@Suite struct CauseTests {
    private let process = ProcessID(pid: 42, name: ProcessID.Name("client"))

    private func set(_ ports: some Sequence<Int>) -> PortSet {
        var set = PortSet()
        for port in ports { set.insert(UInt16(port)) }
        return set
    }

    /// Eight ports, some of which are reserved, bound, or held by connections of the tuple: those
    /// from the low end, from the high end, and in the middle.
    private func ledger(reserved: Int = 0, bound: Int = 0, held: Int = 0, ports: Int = 8) -> Ledger
    {
        var ledger = Ledger()
        let range = PortRange(low: 40_000, high: UInt16(39_999 + ports))
        let pool = PortPool(range: range, reserved: set(40_000..<40_000 + reserved))
        _ = ledger.apply(Script.namespace(pool))
        ledger.setBound(set(40_000 + ports - bound..<40_000 + ports), in: 1)
        for index in 0..<held {
            let socket = UInt64(100 + index)
            var connection = Script.connection(socket, at: 1)
            connection.range = range
            _ = ledger.apply(.opened(connection))
            _ = ledger.apply(
                .established(
                    socket: socket, localPort: UInt16(40_000 + reserved + index), time: 2))
        }
        return ledger
    }

    /// A connect() that finds no port, as it is reported.
    ///
    /// - Parameter isKnown: what it returned would have been seen.
    private func failure(
        _ ledger: inout Ledger, port: UInt16 = 0, range: PortRange? = nil, errno: UInt16? = nil,
        isKnown: Bool = true
    ) throws -> Failure {
        var connection = Script.connection(7, at: 10, port: port)
        connection.range = range ?? ledger.namespaces[1]?.pool.range ?? Script.range
        ledger.failures.awaitsReturns = isKnown
        _ = ledger.apply(.opened(connection))
        _ = ledger.apply(Script.closed(7, at: 30, port: port, notSent: true))
        let call = FailedCall(
            scope: Script.scope(.connect), localPort: port, process: Script.process, errno: errno)
        if errno != nil {
            _ = ledger.apply(.refused(Record.Refusal(time: 31, socket: 7, call: call)))
        }
        let failure = try #require(ledger.takeAllFailures().last)
        #expect(failure.search == 20 && failure.call.kind == .connect)
        #expect(failure.call.errno == errno && failure.count == 1)
        return failure
    }

    struct Case: CustomTestStringConvertible, Sendable {
        var reserved = 0
        var bound = 0
        var held = 0
        var cause: Cause

        var testDescription: String {
            "\(reserved) reserved, \(bound) bound, \(held) held: \(cause)"
        }
    }

    static let cases = [
        Case(held: 8, cause: .exhausted), Case(bound: 8, cause: .blocked),
        Case(reserved: 8, cause: .blocked), Case(reserved: 4, bound: 4, cause: .blocked),
        Case(reserved: 2, bound: 3, held: 3, cause: .blocked),
        Case(reserved: 1, bound: 2, held: 5, cause: .exhausted),
        // As many are held as are taken: the tuple could do something about it.
        Case(reserved: 2, bound: 2, held: 4, cause: .exhausted),
        Case(reserved: 4, held: 4, cause: .exhausted), Case(bound: 4, held: 4, cause: .exhausted),
        // One is free, by whatever chance.
        Case(held: 7, cause: .exhausted), Case(bound: 7, cause: .blocked),
    ]

    @Test(arguments: cases, [true, false])
    func theGreaterLimitIsNamed(_ expected: Case, isKnown: Bool) throws {
        var ledger = ledger(
            reserved: expected.reserved, bound: expected.bound, held: expected.held)
        let failure = try failure(&ledger, isKnown: isKnown)
        #expect(failure.call.cause == expected.cause)
        #expect(
            failure.usage
                == PortUsage(
                    held: expected.held, usable: 8 - expected.reserved - expected.bound))
        #expect(failure.limit?.range == Script.range)
        #expect(
            failure.limit?.reserved == expected.reserved && failure.limit?.bound == expected.bound)
        #expect(ledger.tuples[0].causes == [expected.cause: 1])
        #expect(ledger.tuples[0].processes.leading.map(\.causes) == [[expected.cause: 1]])
    }

    /// Whoever has the other ports is not chosen: what is missing is no lack of memory, and a few
    /// reserved ports are no limit.
    @Test(arguments: [(0, 0), (0, 3), (2, 0), (2, 1)], [true, false])
    func othersHoldTheRest(own: (reserved: Int, held: Int), isKnown: Bool) throws {
        var ledger = ledger(reserved: own.reserved, held: own.held)
        let free = PortRange(low: UInt16(40_000 + own.reserved + own.held), high: 40_007)
        Script.othersHold(free, of: PortRange(low: 40_000, high: 40_007), &ledger)
        #expect(try failure(&ledger, isKnown: isKnown).call.cause == .exhausted)
    }

    @Test(arguments: [true, false]) func itsOwnRangeIsUsedUp(isKnown: Bool) throws {
        var ledger = ledger()
        let own = PortRange(low: 40_000, high: 40_001)
        for socket: UInt64 in [101, 102] {
            var connection = Script.connection(socket, at: 1)
            connection.range = own
            _ = ledger.apply(.opened(connection))
            _ = ledger.apply(
                .established(socket: socket, localPort: 39_899 + UInt16(socket), time: 2))
        }
        let failure = try failure(&ledger, range: own, isKnown: isKnown)
        #expect(failure.call.cause == .range && failure.ownRange == own)
        #expect(failure.usage == PortUsage(held: 2, usable: 2) && failure.limit?.range == own)
    }

    @Test func anOwnRangeIsNoReasonIfTheNamespaceHasNoneLeftEither() throws {
        var ledger = ledger(held: 8)
        let own = PortRange(low: 40_000, high: 40_001)
        #expect(try failure(&ledger, range: own).call.cause == .exhausted)
    }

    @Test func theProgramsOwnPortIsACollisionHoweverManyAreLeft() throws {
        for held in [0, 8] {
            var ledger = ledger(held: held)
            let failure = try failure(&ledger, port: 40_003)
            #expect(failure.call.cause == .collision && failure.call.localPort == 40_003)
            #expect(ledger.tuples[0].causes == [.collision: 1])
        }
    }

    @Test func noMemoryIsToldOrConcluded() throws {
        var told = ledger(held: 8)
        #expect(try failure(&told, errno: 12).call.cause == .noMemory)
        var concluded = ledger(held: 2)
        #expect(try failure(&concluded, isKnown: false).call.cause == .noMemory)
        // A few reserved ports are no limit.
        var reserved = ledger(reserved: 3, held: 2)
        #expect(try failure(&reserved, isKnown: false).call.cause == .noMemory)
        // Nothing is concluded where it would have been told.
        var known = ledger(held: 2)
        #expect(try failure(&known, errno: 99).call.cause == .exhausted)
    }

    @Test func anotherTuplesPortsAreNoLimit() throws {
        var ledger = ledger(held: 8)
        var tuple = Script.tuple
        tuple.remotePort = 81
        for index in 0..<8 as Range<UInt64> {
            _ = ledger.apply(.opened(Script.connection(200 + index, at: 1, tuple: tuple)))
            _ = ledger.apply(
                .established(
                    socket: 200 + index, localPort: 40_000 + UInt16(index), time: 2))
        }
        let failure = try failure(&ledger)
        #expect(failure.call.cause == .exhausted && failure.usage.held == 8)
    }

    /// Of 127.0.0.2: they are in nobody's way but in everybody's.
    @Test func timeWaitsOfBoundSocketsBlock() throws {
        var ledger = Ledger()
        _ = ledger.apply(Script.namespace(PortPool(range: Script.range)))
        var bound = Script.tuple
        bound.local = IPAddress(v4: 0x7f00_0002)
        for index in 0..<8 as Range<UInt64> {
            let port = 40_000 + UInt16(index)
            _ = ledger.apply(
                .opened(Script.connection(100 + index, at: 1, port: port, tuple: bound)))
            _ = ledger.apply(.established(socket: 100 + index, localPort: port, time: 2))
            _ = ledger.apply(Script.timeWait(100 + index, object + index, at: 3, reusable: true))
        }
        ledger.setBound(set(40_000...40_007), in: 1)
        let failure = try failure(&ledger)
        #expect(failure.call.cause == .blocked && failure.usage == PortUsage(usable: 0))
        #expect(failure.limit?.holders == [Failure.Holder(process: Script.process, ports: 8)])
    }

    // MARK: Refusals

    private func refusal(
        _ call: FailedCall.Kind, errno: UInt16 = 99, port: UInt16 = 0, pid: UInt32 = 42,
        name: String = "client", local: IPAddress = Script.tuple.local
    ) -> Record.Refusal {
        var tuple = Script.tuple
        tuple.local = local
        return Record.Refusal(
            time: 5, socket: 0,
            call: FailedCall(
                scope: Script.scope(call, tuple), localPort: port,
                process: ProcessID(pid: pid, name: ProcessID.Name(name)), errno: errno))
    }

    private func diagnosis(
        _ ledger: inout Ledger, _ refusal: Record.Refusal
    ) throws -> Failure {
        _ = ledger.apply(.refused(refusal))
        ledger.countBindPools()
        return try #require(ledger.takeAllFailures().last)
    }

    @Test func refusalsHaveCausesOfTheirOwn() throws {
        let cases: [(Record.Refusal, Cause)] = [
            (refusal(.connect), .noAddress), (refusal(.connect, errno: 12), .noMemory),
            (refusal(.bind, errno: 98), .exhausted),
            (refusal(.bind, errno: 98, port: 8080), .collision),
        ]
        for (refusal, cause) in cases {
            for held in [0, 8] {
                var ledger = ledger(bound: 8 - held, held: held)
                let failure = try diagnosis(&ledger, refusal)
                #expect(failure.call.cause == cause && failure.search == nil)
                #expect(ledger.failures.refusals.map(\.call.cause) == [cause])
                #expect(ledger.failures.refusalsByCause.mapValues(\.total) == [cause: 1])
            }
        }
    }

    @Test func whatWasRefusedIsNoPortExhaustion() throws {
        var ledger = ledger(held: 8)
        for _ in 0..<3 { _ = try diagnosis(&ledger, refusal(.connect)) }
        _ = try diagnosis(&ledger, refusal(.connect, errno: 12))
        for _ in 0..<4 { _ = try diagnosis(&ledger, refusal(.bind, errno: 98, port: 80)) }
        for _ in 0..<5 { _ = try diagnosis(&ledger, refusal(.bind, errno: 98)) }
        let summary = Summary(
            of: ledger, duration: 1, accuracy: Accuracy(), linesDropped: 0, limit: 10)
        #expect(summary.totals.failed == 0)
        #expect(
            summary.portExhaustion == Calls(connects: 0, binds: 5)
                && summary.otherErrors == Calls(connects: 4, binds: 4))
        #expect(summary.failures.map(\.count) == [5, 4, 3, 1])
    }

    @Test func ofConnectsOnlyPortExhaustionIsCountedAsThat() throws {
        var ledger = ledger(held: 8)
        _ = try failure(&ledger)
        _ = try failure(&ledger)
        _ = try failure(&ledger, port: 40_001)
        _ = try failure(&ledger, errno: 12)
        let summary = Summary(
            of: ledger, duration: 1, accuracy: Accuracy(), linesDropped: 0, limit: 10)
        #expect(summary.totals.failed == 4)
        #expect(
            summary.portExhaustion == Calls(connects: 2, binds: 0)
                && summary.otherErrors == Calls(connects: 2, binds: 0))
        let causes = Dictionary(
            summary.failures.map { ($0.call.cause, $0.count) }, uniquingKeysWith: +)
        #expect(causes == [.exhausted: 2, .collision: 1, .noMemory: 1])
    }

    @Test func manyDifferentRefusalsAreCountedAllTheSame() throws {
        var ledger = ledger()
        for pid in 1...1500 as ClosedRange<UInt32> {
            _ = try diagnosis(&ledger, refusal(.connect, pid: pid))
        }
        #expect(ledger.failures.refusals.map(\.count) == [1500])
        #expect(ledger.failures.refusals.map(\.processes) == [DistinctPIDs.more])
        for name in 2...1500 {
            _ = try diagnosis(&ledger, refusal(.connect, pid: 1, name: "\(name)"))
        }
        #expect(ledger.failures.refusals.count == 1000)
        #expect(ledger.failures.refusalsByCause.values.reduce(0) { $0 + $1.total } == 2999)
    }

    // MARK: Bind pools

    private func holder(
        _ local: IPAddress, _ port: UInt16, pid: UInt32 = 42, chosen: Bool = false
    ) -> Record {
        .holder(
            Record.Holder(
                netns: 1, local: local, localPort: port,
                process: ProcessID(pid: pid, name: process.name), portChosen: chosen))
    }

    private static let one = IPAddress(v4: 0x7f00_0001)
    private static let two = IPAddress(v4: 0x7f00_0002)
    private static let v6 = IPAddress(high: 0, low: 1)
    private static let anyV4 = IPAddress(v4: 0)
    private static let anyV6 = IPAddress(high: 0, low: 0)

    @Test func poolsCountWhatTheirAddressHas() throws {
        let expected: [(IPAddress, Int)] = [
            // Its own, those of 0.0.0.0 and of ::.
            (Self.one, 3), (Self.two, 3), (Self.v6, 2), (Self.anyV4, 4), (Self.anyV6, 5),
        ]
        for (local, used) in expected {
            var ledger = ledger()
            let addresses = [Self.one, Self.two, Self.v6, Self.anyV4, Self.anyV6]
            for (index, address) in addresses.enumerated() {
                let port = 40_001 + UInt16(index)
                _ = ledger.apply(holder(address, port, chosen: address == local))
            }
            _ = ledger.apply(holder(local, 50_000))
            ledger.countBindPools()
            let pool = try #require(ledger.bindPools[BindPool.Key(netns: 1, local: local)])
            #expect(pool.used == used && pool.usable == 8 && pool.peak == used)
        }
    }

    @Test func reservedPortsAreInNoPool() throws {
        var ledger = ledger(reserved: 2)
        for port in 40_000...40_003 as ClosedRange<UInt16> {
            _ = ledger.apply(holder(Self.one, port, chosen: true))
        }
        ledger.countBindPools()
        let pool = try #require(ledger.bindPools.values.first)
        #expect(pool.used == 2 && pool.usable == 6)
    }

    /// Connected, in TIME_WAIT, closed and still bound: a port is taken, whoever the peer is.
    @Test func connectionsTakeFromThePoolOfTheirAddress() throws {
        var ledger = ledger()
        for index in 0..<4 as Range<UInt64> {
            var tuple = Script.tuple
            tuple.local = Self.one
            tuple.remotePort = UInt16(index)
            var connection = Script.connection(
                100 + index, at: 1, port: 40_000 + UInt16(index), tuple: tuple)
            connection.portChosen = true
            _ = ledger.apply(.opened(connection))
            _ = ledger.apply(
                .established(
                    socket: 100 + index, localPort: connection.localPort, time: 2))
        }
        _ = ledger.apply(Script.timeWait(101, object, at: 3))
        _ = ledger.apply(Script.closed(102, at: 3, port: 40_002, stillBound: true))
        _ = ledger.apply(Script.closed(103, at: 3, port: 40_003))
        _ = ledger.apply(holder(Self.two, 40_007))
        ledger.countBindPools()
        let pool = try #require(ledger.bindPools[BindPool.Key(netns: 1, local: Self.one)])
        #expect(pool.used == 3 && pool.peak == 3)
        #expect(pool.processes.top == Script.process)
        // A port that two have counts once.
        _ = ledger.apply(holder(Self.one, 40_002))
        ledger.countBindPools()
        #expect(ledger.bindPools[pool.key]?.used == 3)
        ledger.forgetHolders()
        _ = ledger.apply(Script.released(object, at: 11))
        _ = ledger.apply(Script.released(102, at: 11))
        ledger.countBindPools()
        #expect(ledger.bindPools[pool.key]?.used == 1 && ledger.bindPools[pool.key]?.peak == 3)
    }

    @Test func aFailedBindTellsItsPool() throws {
        var ledger = ledger()
        for port in 40_000...40_007 as ClosedRange<UInt16> {
            _ = ledger.apply(holder(Self.two, port, chosen: true))
        }
        ledger.setBound(set(40_000...40_007), in: 1)
        let failure = try diagnosis(&ledger, refusal(.bind, errno: 98, pid: 9, local: Self.two))
        #expect(failure.call.cause == .exhausted && failure.usage == PortUsage(held: 8, usable: 8))
        #expect(failure.limit?.bound == 8)
        // A pool that nobody was known to use.
        let other = try diagnosis(&ledger, refusal(.bind, errno: 98, pid: 9, local: Self.one))
        #expect(other.usage == PortUsage(usable: 8))
        let pool = try #require(ledger.bindPools[BindPool.Key(netns: 1, local: Self.two)])
        #expect(pool.failed == 1 && pool.firstFailureAt == 5)
        #expect(pool.processes.leading.map { [$0.opened, $0.failed] } == [[1, 0], [0, 1]])
        #expect(Set(ledger.bindPools.values.map(\.number)) == [0, 1])
    }

    /// Nobody has a port chosen there, so that there is no pool to follow.
    @Test func aCollisionTellsHowItsAddressStands() throws {
        var ledger = ledger(reserved: 1)
        for port: UInt16 in [40_000, 40_003, 40_004] { _ = ledger.apply(holder(Self.one, port)) }
        let failure = try diagnosis(
            &ledger, refusal(.bind, errno: 98, port: 40_003, local: Self.one))
        #expect(failure.call.cause == .collision && failure.usage == PortUsage(held: 2, usable: 7))
        #expect(ledger.bindPools.isEmpty)
    }

    @Test func poolsEndWithTheirNamespace() throws {
        var ledger = ledger()
        _ = ledger.apply(holder(Self.one, 40_000, chosen: true))
        _ = try diagnosis(&ledger, refusal(.bind, errno: 98, local: Self.two))
        ledger.close(namespace: 1)
        #expect(ledger.bindPools.map(\.key.local) == [Self.two], "what failed is still reported")
        ledger.countBindPools()
    }

    // MARK: Holders

    @Test func whoHoldsMostIsNamedFirst() throws {
        var ledger = ledger(reserved: 1, bound: 6, ports: 12)
        for (pid, ports) in [(1, 6...7), (2, 8...10), (3, 11...11)]
            as [(UInt32, ClosedRange<UInt16>)]
        {
            for port in ports { _ = ledger.apply(holder(Self.two, 40_000 + port, pid: pid)) }
        }
        // Not bound, for all the kernel says, or not here.
        _ = ledger.apply(holder(Self.two, 40_003, pid: 4))
        _ = ledger.apply(
            .holder(
                Record.Holder(
                    netns: 2, local: Self.two, localPort: 40_011,
                    process: ProcessID(pid: 5, name: process.name))))
        let range = PortRange(low: 40_000, high: 40_011)
        func pids(_ range: PortRange, _ limit: Int = 9) -> [[Int]] {
            ledger.pools.holders(of: range, in: 1, limit: limit, ledger.connections).map {
                [Int($0.process.pid), $0.ports]
            }
        }
        #expect(pids(range) == [[2, 3], [1, 2], [3, 1]])
        #expect(pids(range, 2) == [[2, 3], [1, 2]])
        #expect(pids(PortRange(low: 40_006, high: 40_008)) == [[1, 2], [2, 1]])
        #expect(pids(PortRange(low: 40_000, high: 40_005)) == [])
        #expect(ledger.pools.holders(of: range, in: 7, limit: 3, ledger.connections) == [])
        ledger.forgetHolders()
        #expect(pids(range) == [])
    }
}
