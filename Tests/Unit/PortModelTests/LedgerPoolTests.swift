import PortModel
import Testing

private let object: UInt64 = 0xffff_8880_0000_0001
private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1000 * millisecond

/// Which of the ports that are held are among the usable ones, and which may be used again.
@Suite struct LedgerPoolTests {
    private static let loopback = Tuple(
        netns: 1, local: IPAddress(v4: 0x7f00_0001), remote: IPAddress(v4: 0x7f00_0001),
        remotePort: 80)

    private func set(_ ports: UInt16...) -> PortSet {
        var set = PortSet()
        for port in ports { set.insert(port) }
        return set
    }

    private func describe(
        _ ledger: inout Ledger, range: PortRange = Script.range, reserved: PortSet = PortSet(),
        netns: UInt32 = 1, _ rules: TimeWaitRules = TimeWaitRules(reuse: 1)
    ) {
        let pool = PortPool(range: range, reserved: reserved)
        _ = ledger.apply(
            .namespace(netns: netns, Namespace(inode: netns, pool: pool, timeWait: rules), pid: 0))
    }

    /// A connection of socket `n`, which has port 40,000 + n.
    private func connect(
        _ ledger: inout Ledger, _ sockets: UInt64..., tuple: Tuple = Script.tuple,
        port: UInt16? = nil
    ) {
        for socket in sockets {
            _ = ledger.apply(
                .opened(Script.connection(socket, at: 1, port: port ?? 0, tuple: tuple)))
            _ = ledger.apply(
                .established(
                    socket: socket, localPort: port ?? 40_000 + UInt16(socket), time: 2))
        }
    }

    /// Into a TIME_WAIT that may be used again, as object + n.
    private func wait(
        _ ledger: inout Ledger, _ sockets: UInt64..., since: UInt64 = 10, reusable: Bool = true
    ) {
        for socket in sockets {
            _ = ledger.apply(
                Script.timeWait(socket, object + socket, at: since, reusable: reusable))
        }
    }

    private func usage(_ ledger: Ledger, _ tuple: Tuple = Script.tuple) -> PortUsage? {
        ledger.tuples.first { $0.tuple == tuple }?.usage
    }

    // MARK: Outside of the pool

    @Test func portsThatABindTookAreOutside() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2, 3)
        #expect(usage(ledger) == PortUsage(held: 3, usable: 8))
        ledger.setBound(set(40_001, 40_005), in: 1)
        #expect(usage(ledger) == PortUsage(held: 3, outsidePool: 1, usable: 6))
        #expect(usage(ledger)?.available == 4)
        // Known before the next is.
        connect(&ledger, 5)
        #expect(usage(ledger) == PortUsage(held: 4, outsidePool: 2, usable: 6))
        ledger.setBound(set(40_005), in: 1)
        #expect(usage(ledger) == PortUsage(held: 4, outsidePool: 1, usable: 7))
        ledger.setBound(PortSet(), in: 1)
        #expect(usage(ledger) == PortUsage(held: 4, usable: 8))
    }

    @Test func portsOutOfTheRangeAreOutside() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, port: 50_000)
        connect(&ledger, 2, port: 39_999)
        connect(&ledger, 3)
        #expect(usage(ledger) == PortUsage(held: 3, outsidePool: 2, usable: 8))
        #expect(usage(ledger)?.available == 7)
        describe(&ledger, range: PortRange(low: 40_004, high: 50_003))
        #expect(usage(ledger) == PortUsage(held: 3, outsidePool: 2, usable: 10_000))
        describe(&ledger, range: PortRange(low: 39_999, high: 50_000))
        #expect(usage(ledger) == PortUsage(held: 3, usable: 10_002))
    }

    @Test func reservedPortsAreOutside() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        describe(&ledger, reserved: set(40_001, 40_007))
        #expect(usage(ledger) == PortUsage(held: 2, outsidePool: 1, usable: 6))
        // Reserved and bound: once.
        ledger.setBound(set(40_001), in: 1)
        #expect(usage(ledger) == PortUsage(held: 2, outsidePool: 1, usable: 6))
        describe(&ledger)
        #expect(usage(ledger) == PortUsage(held: 2, outsidePool: 1, usable: 7))
    }

    /// However it ends, nothing is left over.
    @Test(arguments: ["close", "bound", "time wait", "release", "sweep"])
    func outsideEndsWithItsEntry(how: String) {
        var ledger = Ledger()
        describe(&ledger)
        ledger.setBound(set(40_001), in: 1)
        connect(&ledger, 1, port: 40_001)
        connect(&ledger, 2)
        #expect(usage(ledger) == PortUsage(held: 2, outsidePool: 1, usable: 7))
        switch how {
        case "close": _ = ledger.apply(Script.closed(1, at: 5))
        case "bound": _ = ledger.apply(Script.closed(1, at: 5, stillBound: true))
        case "time wait":
            wait(&ledger, 1)
            #expect(
                usage(ledger) == PortUsage(held: 2, timeWait: 1, outsidePool: 1, usable: 7))
            _ = ledger.apply(Script.released(object + 1, at: 20))
        case "release":
            _ = ledger.apply(Script.closed(1, at: 5, stillBound: true))
            _ = ledger.apply(Script.released(1, at: 6))
        default:
            ledger.beginScan(for: .repair, at: 100)
            _ = ledger.apply(
                .exists(Script.connection(2, at: 101, port: 40_002), state: .established))
            _ = ledger.endScan(of: [1])
        }
        #expect(usage(ledger) == PortUsage(held: 1, usable: 7))
    }

    @Test func whatASnapshotFindsIsOutsideAsWell() {
        var ledger = Ledger()
        describe(&ledger)
        ledger.setBound(set(40_003), in: 1)
        for (socket, port) in [(1, 40_003), (2, 40_004), (3, 1000)] as [(UInt64, UInt16)] {
            _ = ledger.apply(
                .exists(Script.connection(socket, at: 1, port: port), state: .established))
        }
        #expect(usage(ledger) == PortUsage(held: 3, outsidePool: 2, usable: 7))
    }

    @Test func anotherNamespacesPortsAreItsOwn() {
        var ledger = Ledger()
        describe(&ledger)
        describe(&ledger, netns: 2)
        connect(&ledger, 1)
        ledger.setBound(set(40_001), in: 2)
        #expect(usage(ledger) == PortUsage(held: 1, usable: 8))
        ledger.setBound(set(40_001), in: 3)
        #expect(ledger.namespaces[3] == nil)
    }

    // MARK: reusable

    /// Until `time` it is not reusable, from then on it is.
    private func expectReusable(_ ledger: Ledger, at time: UInt64, tuple: Tuple = Script.tuple) {
        var ledger = ledger
        ledger.settle(now: time - 1) { _ in }
        #expect(usage(ledger, tuple)?.reusable == 0)
        ledger.settle(now: time) { _ in }
        #expect(usage(ledger, tuple)?.reusable == 1)
    }

    @Test(arguments: [0, 1, 1000, 60_000] as [UInt32]) func reusableAfterTheDelay(delay: UInt32) {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 1, reuseDelay: delay))
        connect(&ledger, 1)
        wait(&ledger, 1, since: 10 * second)
        expectReusable(ledger, at: 10 * second + (UInt64(delay) + 1) * millisecond)
    }

    @Test(arguments: [0, 1, 400 * millisecond, second - 1]) func reusableWithTheNextFullSecond(
        into: UInt64
    ) {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 1, countsSeconds: true))
        connect(&ledger, 1)
        wait(&ledger, 1, since: 10 * second + into)
        expectReusable(ledger, at: 11 * second)
    }

    @Test func onlyOnLoopbackUnlessAlways() {
        for reuse in [0, 1, 2] as [UInt8] {
            for (tuple, isLoopback) in [(Script.tuple, false), (Self.loopback, true)] {
                var ledger = Ledger()
                describe(&ledger, TimeWaitRules(reuse: reuse))
                connect(&ledger, 1, tuple: tuple)
                wait(&ledger, 1)
                ledger.settle(now: 60 * second) { _ in }
                let isReusable = reuse == 1 || reuse == 2 && isLoopback
                #expect(usage(ledger, tuple)?.reusable == (isReusable ? 1 : 0))
            }
        }
    }

    @Test func withoutTimestampsNoneIs() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        wait(&ledger, 1, reusable: false)
        wait(&ledger, 2)
        ledger.settle(now: 60 * second) { _ in }
        #expect(usage(ledger) == PortUsage(held: 2, timeWait: 2, reusable: 1, usable: 8))
        #expect(usage(ledger)?.available == 7)
    }

    @Test func reuseIsSwitchedOnAndOff() {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 0))
        connect(&ledger, 1, 2)
        wait(&ledger, 1, 2)
        ledger.settle(now: 5 * second) { _ in }
        #expect(usage(ledger)?.reusable == 0)
        for _ in 0..<3 {
            describe(&ledger, TimeWaitRules(reuse: 1))
            ledger.settle(now: 6 * second) { _ in }
            #expect(usage(ledger)?.reusable == 2)
            describe(&ledger, TimeWaitRules(reuse: 2))
            ledger.settle(now: 7 * second) { _ in }
            #expect(usage(ledger)?.reusable == 0)
        }
    }

    @Test func whatIsTakenAgainIsNoLongerReusable() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        wait(&ledger, 1, 2)
        ledger.settle(now: 5 * second) { _ in }
        _ = ledger.apply(Script.released(object + 1, at: 6 * second))
        #expect(usage(ledger) == PortUsage(held: 1, timeWait: 1, reusable: 1, usable: 8))
        // The timer of the other is set again: it is the same TIME_WAIT still.
        _ = ledger.apply(Script.released(object + 2, at: 6 * second, mayReturn: true))
        _ = ledger.apply(Script.timeWait(2, object + 2, at: 6 * second, reusable: true))
        ledger.settle(now: 9 * second) { _ in }
        #expect(usage(ledger) == PortUsage(held: 1, timeWait: 1, reusable: 1, usable: 8))
        _ = ledger.apply(Script.released(object + 2, at: 9 * second, mayReturn: true))
        ledger.settle(now: 10 * second) { _ in }
        #expect(usage(ledger) == PortUsage(usable: 8))
    }

    @Test func aParkedFinWait2IsReusableOnceItIsATimeWait() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1)
        wait(&ledger, 1, reusable: false)
        ledger.settle(now: 5 * second) { _ in }
        #expect(usage(ledger)?.reusable == 0)
        wait(&ledger, 1, since: 6 * second)
        expectReusable(ledger, at: 7 * second + millisecond)
        // Told twice, counted once.
        wait(&ledger, 1, since: 6 * second)
        ledger.settle(now: 20 * second) { _ in }
        #expect(usage(ledger)?.reusable == 1)
    }

    @Test func whatEndsBeforeItIsReusableNeverIs() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1)
        wait(&ledger, 1)
        _ = ledger.apply(Script.released(object + 1, at: 20))
        // The same memory, another TIME_WAIT, which has no timestamps.
        connect(&ledger, 2)
        _ = ledger.apply(Script.timeWait(2, object + 1, at: 30))
        ledger.settle(now: 60 * second) { _ in }
        #expect(usage(ledger) == PortUsage(held: 1, timeWait: 1, usable: 8))
    }

    @Test func whatASnapshotFindsHasWaitedAlready() {
        var ledger = Ledger()
        describe(&ledger)
        var connection = Script.connection(object + 1, at: 10 * second, port: 40_001)
        connection.reusable = true
        connection.age = 400 * millisecond
        _ = ledger.apply(.exists(connection, state: .timeWait))
        expectReusable(ledger, at: 10 * second + 601 * millisecond)
        // Older than the clock: no trap.
        connection.socket += 1
        connection.age = .max
        _ = ledger.apply(.exists(connection, state: .timeWait))
        ledger.settle(now: 11 * second) { _ in }
        #expect(usage(ledger)?.reusable == 2)
    }

    @Test func whatIsOutsideIsNotReusable() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        wait(&ledger, 1, 2)
        ledger.settle(now: 5 * second) { _ in }
        ledger.setBound(set(40_001), in: 1)
        #expect(
            usage(ledger)
                == PortUsage(held: 2, timeWait: 2, reusable: 1, outsidePool: 1, usable: 7))
        #expect(usage(ledger)?.available == 7)
    }

    /// The bind() has gone, or the range is as wide again.
    @Test func whatComesBackIsReusableAgain() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2, 3)
        wait(&ledger, 1, 2)
        ledger.setBound(set(40_002), in: 1)
        ledger.settle(now: 5 * second) { _ in }
        #expect(usage(ledger)?.reusable == 1)
        ledger.setBound(PortSet(), in: 1)
        ledger.settle(now: 6 * second) { _ in }
        #expect(usage(ledger) == PortUsage(held: 3, timeWait: 2, reusable: 2, usable: 8))
        describe(&ledger, range: PortRange(low: 40_003, high: 40_007))
        #expect(usage(ledger) == PortUsage(held: 3, timeWait: 2, outsidePool: 2, usable: 5))
        describe(&ledger)
        ledger.settle(now: 7 * second) { _ in }
        #expect(usage(ledger) == PortUsage(held: 3, timeWait: 2, reusable: 2, usable: 8))
        _ = ledger.apply(Script.released(object + 1, at: 8 * second))
        _ = ledger.apply(Script.released(object + 2, at: 8 * second))
        #expect(usage(ledger) == PortUsage(held: 1, usable: 8))
    }

    /// All of it is read at once: what counts is what the connect() met.
    @Test func aLateReaderCountsThemToo() throws {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 1, reuseDelay: 5))
        connect(&ledger, 1)
        wait(&ledger, 1, since: second)
        for (wait, reusable) in [(5, 0), (6, 1)] as [(UInt64, Int)] {
            let time = second + wait * millisecond
            _ = ledger.apply(Script.opened(2, at: time))
            _ = ledger.apply(Script.closed(2, at: time, notSent: true))
            let failure = try #require(ledger.takeAllFailures().last)
            #expect(
                failure.usage
                    == PortUsage(held: 1, timeWait: 1, reusable: reusable, usable: 8))
        }
    }

    @Test func oneNamespacesDelayHoldsUpNoOther() {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 1, reuseDelay: 60_000))
        describe(&ledger, netns: 2, TimeWaitRules(reuse: 1, reuseDelay: 1))
        var other = Script.tuple
        other.netns = 2
        connect(&ledger, 1)
        connect(&ledger, 2, tuple: other)
        wait(&ledger, 1, 2)
        ledger.settle(now: second) { _ in }
        #expect(usage(ledger)?.reusable == 0 && usage(ledger, other)?.reusable == 1)
    }

    /// A shorter delay is in force for those that wait already.
    @Test func aShorterDelayIsInForceAtOnce() {
        var ledger = Ledger()
        describe(&ledger, TimeWaitRules(reuse: 1, reuseDelay: 60_000))
        connect(&ledger, 1, 2)
        wait(&ledger, 1)
        describe(&ledger, TimeWaitRules(reuse: 1, reuseDelay: 1000))
        wait(&ledger, 2, since: 2 * second)
        ledger.settle(now: 4 * second) { _ in }
        #expect(usage(ledger)?.reusable == 2)
    }

    // MARK: Ticks

    private func told(_ ledger: inout Ledger) -> [Int] {
        ledger.takeTicks(at: 2_000_000_000).map(\.usage.available)
    }

    @Test func otherSettingsAreToldOfWhatHoldsPorts() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        var idle = Script.tuple
        idle.remotePort = 81
        connect(&ledger, 3, tuple: idle)
        _ = ledger.apply(Script.closed(3, at: 5))
        _ = ledger.takeTicks(at: 2_000_000_000)
        describe(&ledger)
        #expect(told(&ledger) == [], "nothing has changed")
        describe(&ledger, reserved: set(40_007))
        #expect(told(&ledger) == [5])
        wait(&ledger, 1)
        _ = ledger.takeTicks(at: 2_000_000_000)
        ledger.settle(now: 5 * second) { _ in }
        #expect(told(&ledger) == [6], "one may be used again")
        describe(&ledger, reserved: set(40_007), TimeWaitRules(reuse: 0))
        #expect(told(&ledger) == [5])
    }

    @Test func whatABindTakesIsToldIfItMatters() {
        var ledger = Ledger()
        describe(&ledger)
        connect(&ledger, 1, 2)
        _ = ledger.takeTicks(at: 2_000_000_000)
        ledger.setBound(set(45_000), in: 1)
        #expect(told(&ledger) == [])
        ledger.setBound(set(45_000, 40_005), in: 1)
        #expect(told(&ledger) == [5])
    }

    @Test func theAlertIsAboutWhatIsUsed() {
        let alert = Alert(
            level: 50, time: 1, scope: .tuple(Script.tuple),
            usage: PortUsage(held: 8, timeWait: 8, reusable: 4, usable: 8))
        #expect(alert.percent == 50)
        let none = Alert(
            level: 50, time: 1, scope: .tuple(Script.tuple), usage: PortUsage(usable: 0))
        #expect(none.percent == 0)
    }
}
