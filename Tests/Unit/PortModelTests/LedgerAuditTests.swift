import Testing

@testable import PortModel

private let object: UInt64 = 0xffff_8880_0000_0001
private let millisecond: UInt64 = 1_000_000

extension Ledger {
    /// Whether a socket, or a TIME_WAIT by its address, is in the ledger.
    fileprivate func knows(_ socket: UInt64) -> Bool { connections.find(socket) != nil }
}

/// The ledger held against what the kernel's table has.
@Suite struct LedgerAuditTests {
    private func ledger(established sockets: ClosedRange<UInt64>) -> Ledger {
        var ledger = Ledger()
        for socket in sockets {
            _ = ledger.apply(Script.opened(socket, at: socket))
            _ = ledger.apply(Script.established(socket, at: socket))
        }
        return ledger
    }

    private func sighting(
        _ socket: UInt64, cookie: UInt64 = 0, _ state: Record.State = .established,
        origin: Origin = .client
    ) -> TableEntry {
        TableEntry(
            socket: socket, cookie: cookie,
            localPort: cookie == 0 ? 40_001 : Script.port(cookie), state: state,
            origin: origin)
    }

    private func audit(
        _ ledger: inout Ledger, _ sightings: [TableEntry], at now: UInt64 = 100,
        of namespaces: Set<UInt32> = [1], meanwhile: (inout Ledger) -> Void = { _ in }
    ) -> AuditResult {
        ledger.beginScan(for: .audit, at: now)
        for sighting in sightings { ledger.compare(sighting, in: 1) }
        meanwhile(&ledger)
        return ledger.endScan(of: namespaces)
    }

    private func told(_ ledger: inout Ledger, now: UInt64 = 200) -> [Change.Kind] {
        var kinds: [Change.Kind] = []
        ledger.settle(now: now) { kinds.append($0.kind) }
        return kinds
    }

    @Test func whatAgreesIsNoDrift() {
        var ledger = ledger(established: 1...3)
        for _ in 0..<3 {
            let findings = audit(&ledger, [sighting(1), sighting(2), sighting(3)])
            #expect(findings.drift.isEmpty && findings.missing == 0 && findings.unreported == 0)
        }
        #expect(ledger.tuples[0].held == 3)
        #expect(told(&ledger).isEmpty)
    }

    @Test func whatTheKernelNoLongerHasIsDropped() {
        var ledger = ledger(established: 1...3)
        let findings = audit(&ledger, [sighting(1), sighting(3)])
        #expect(findings.drift == [0: 1])
        #expect(ledger.tuples[0].held == 2)
        #expect(told(&ledger) == [.closed(timeWait: false, lived: 98, error: nil)])
    }

    @Test func onlyTheNamespacesThatWereWalkedAreSwept() {
        var ledger = ledger(established: 1...3)
        #expect(audit(&ledger, [], of: [2]).drift.isEmpty)
        #expect(audit(&ledger, []).drift == [0: 3])
    }

    @Test func whatHappensMeanwhileIsNoDrift() {
        var ledger = ledger(established: 1...3)
        let findings = audit(&ledger, [sighting(1), sighting(4)]) { ledger in
            // The walk came by before it turned into a TIME_WAIT, or after it had closed.
            _ = ledger.apply(Script.timeWait(2, object, at: 101))
            _ = ledger.apply(Script.closed(3, at: 102))
            // Seen before its records were read.
            _ = ledger.apply(Script.opened(4, at: 99))
            _ = ledger.apply(Script.established(4, at: 99))
            _ = ledger.apply(Script.opened(5, at: 103))
        }
        #expect(findings.drift.isEmpty && findings.missing == 0)
        #expect(ledger.tuples[0].held == 3 && ledger.tuples[0].timeWait == 1)
    }

    @Test func whatWasSeenAndEndedIsNotMissing() {
        var ledger = ledger(established: 1...1)
        let findings = audit(&ledger, [sighting(1), sighting(9), sighting(object, .timeWait)]) {
            _ = $0.apply(Script.closed(1, at: 101))
            _ = $0.apply(Script.closed(9, at: 101))
            _ = $0.apply(Script.released(object, at: 102))
        }
        #expect(findings.missing == 0 && findings.drift.isEmpty)
    }

    @Test func whatTheLedgerLacksIsMissingIfItIsCertainlyOurs() {
        var ledger = ledger(established: 1...1)
        let sightings = [sighting(1), sighting(8), sighting(9, origin: .server), sighting(0)]
        #expect(audit(&ledger, sightings).missing == 2)
        #expect(ledger.tuples[0].held == 1)
    }

    @Test func aTimeWaitWhoseBeginningWasNotToldIsTheSocketsOwn() {
        var ledger = ledger(established: 1...2)
        let findings = audit(
            &ledger, [sighting(1), sighting(object, cookie: 2, .timeWait, origin: .server)])
        #expect(findings.drift.isEmpty && findings.missing == 0 && findings.unreported == 1)
        #expect(ledger.tuples[0].held == 2 && ledger.tuples[0].timeWait == 1)
        #expect(told(&ledger) == [.closed(timeWait: true, lived: 98, error: nil)])
        #expect(ledger.apply(Script.released(object, at: 300))?.kind == .released)
    }

    /// Nothing but its open was told: its port is the kernel's word.
    @Test func aTimeWaitWhoseHandshakeWasNotToldHasItsPort() {
        for purpose in [TableScan.Purpose.audit, .repair] {
            var ledger = Ledger()
            _ = ledger.apply(Script.opened(1, at: 1))
            ledger.beginScan(for: purpose, at: 100)
            if purpose == .audit {
                ledger.compare(sighting(object, cookie: 1, .timeWait), in: 1)
            } else {
                var connection = Script.connection(object, at: 101, port: 40_001)
                connection.cookie = 1
                let close = ledger.apply(.exists(connection, state: .timeWait))
                #expect(close?.localPort == 40_001)
            }
            _ = ledger.endScan(of: [1])
            #expect(ledger.tuples[0].held == 1 && ledger.tuples[0].timeWait == 1)
            #expect(ledger.apply(Script.released(object, at: 300))?.localPort == 40_001)
        }
    }

    /// The same, while its TIME_WAIT was told, in which there is no port.
    @Test func aTimeWaitWithoutAPortGetsItFromAnAudit() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        _ = ledger.apply(Script.timeWait(1, object, at: 2))
        #expect(audit(&ledger, [sighting(object, cookie: 1, .timeWait)]).drift.isEmpty)
        #expect(ledger.apply(Script.released(object, at: 300))?.localPort == 40_001)
    }

    @Test func aHandshakeThatWasNotToldIsMadeUpFor() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        let findings = audit(&ledger, [sighting(1)])
        #expect(findings.unreported == 1)
        #expect(told(&ledger) == [.established])
        #expect(ledger.tuples[0].held == 1 && ledger.tuples[0].totals.opened == 1)
    }

    @Test func aSearchThatIsInNoTableIsDroppedOnceItIsOld() {
        var ledger = Ledger()
        _ = ledger.apply(Script.opened(1, at: 1))
        #expect(audit(&ledger, [], at: 1000 * millisecond).drift.isEmpty)
        #expect(ledger.knows(1))
        #expect(audit(&ledger, [], at: 1002 * millisecond).drift.isEmpty)
        #expect(!ledger.knows(1))
        #expect(ledger.tuples[0].held == 0)
    }

    /// After a loss: one has closed, one is in TIME_WAIT now, one was opened, untold all of it.
    @Test func aRepairFillsTheLedgerAnew() {
        var ledger = ledger(established: 1...3)
        ledger.beginScan(for: .repair, at: 100)
        var connection = Script.connection(object, at: 101, port: 40_002)
        connection.cookie = 2
        _ = ledger.apply(.exists(connection, state: .timeWait))
        for socket: UInt64 in [3, 7] {
            _ = ledger.apply(
                .exists(Script.connection(socket, at: 101, port: 40_003), state: .established))
        }
        let findings = ledger.endScan(of: [1])
        #expect(findings.drift.isEmpty, "one more and one less")
        let account = ledger.tuples[0]
        #expect(account.held == 3 && account.timeWait == 1)
        #expect(account.totals.opened == 4 && account.totals.closed == 2)
        #expect(!ledger.knows(1) && ledger.knows(object) && ledger.knows(3) && ledger.knows(7))
    }

    /// The end of one TIME_WAIT and the beginning of another were lost, and both are at one address.
    @Test func aRepairKnowsMemoryThatIsUsedAgain() {
        var ledger = ledger(established: 1...1)
        _ = ledger.apply(Script.timeWait(1, object, at: 2))
        ledger.beginScan(for: .repair, at: 100)
        var connection = Script.connection(object, at: 101, port: 40_005)
        connection.cookie = 5
        _ = ledger.apply(.exists(connection, state: .timeWait))
        _ = ledger.endScan(of: [1])
        #expect(ledger.tuples[0].held == 1 && ledger.tuples[0].timeWait == 1)
        #expect(ledger.apply(Script.released(object, at: 300))?.localPort == 40_005)
    }

    @Test func aRepairEndsWhatIsInNoNamespaceAnyMore() {
        var ledger = ledger(established: 1...2)
        ledger.beginScan(for: .repair, at: 100)
        #expect(ledger.endScan(of: []).drift == [0: 2])
        #expect(ledger.tuples[0].held == 0)
    }

    // MARK: Ranges

    private func namespace(_ low: UInt16, _ high: UInt16) -> Record {
        Script.namespace(PortPool(range: PortRange(low: low, high: high)))
    }

    private func opened(_ socket: UInt64, _ low: UInt16, _ high: UInt16) -> Record {
        var connection = Script.connection(socket, at: socket)
        connection.range = PortRange(low: low, high: high)
        return .opened(connection)
    }

    @Test func aTupleFollowsItsNamespaceThroughEveryChange() {
        var ledger = Ledger()
        for (socket, high): (UInt64, UInt16) in [
            (1, 40_099), (2, 40_009), (3, 40_199), (4, 40_099),
        ] {
            _ = ledger.apply(namespace(40_000, high))
            _ = ledger.apply(opened(socket, 40_000, high))
            #expect(ledger.tuples[0].usable == Int(high) - 39_999)
        }
        _ = ledger.apply(namespace(40_000, 40_001))
        #expect(ledger.tuples[0].usable == 2)
        _ = ledger.apply(namespace(40_000, 40_999))
        #expect(ledger.tuples[0].usable == 1000)
    }

    @Test func aRangeOfItsOwnStaysUntilTheNamespaceForbidsIt() {
        var ledger = Ledger()
        _ = ledger.apply(namespace(40_000, 40_999))
        _ = ledger.apply(opened(1, 40_100, 40_109))
        #expect(ledger.tuples[0].usable == 10)
        _ = ledger.apply(namespace(40_000, 41_999))
        #expect(ledger.tuples[0].usable == 10)
        // The widest counts.
        _ = ledger.apply(opened(2, 40_100, 40_119))
        #expect(ledger.tuples[0].usable == 20)
        _ = ledger.apply(opened(3, 40_100, 40_104))
        #expect(ledger.tuples[0].usable == 20)
        _ = ledger.apply(namespace(40_500, 40_599))
        #expect(ledger.tuples[0].usable == 100)
    }
}
