import Testing

@testable import PortModel

/// What is advised for what was seen, with figures worked out by hand.
@Suite struct AdviceTests {
    private static let peer = IPAddress(v4: 0x0a00_0009)

    private static func tuple(_ port: UInt16 = 80, remote: IPAddress = peer) -> Tuple {
        Tuple(netns: 1, local: IPAddress(v4: 0x0a00_0001), remote: remote, remotePort: port)
    }

    /// Nothing wrong: a tenth of the default range, for 1 ms each.
    private static func healthy() -> Advice.TupleEvidence {
        var seen = Advice.TupleEvidence(
            tuple: tuple(), range: PortRange(low: 32_768, high: 60_999), usable: 28_232,
            namespaceRange: PortRange(low: 32_768, high: 60_999))
        seen.opened = 2823
        seen.closed = 2823
        seen.closedIntoTimeWait = 2823
        seen.lived = Advice.Lifetime(mean: 1_000_000, count: 2823)
        seen.peak = PortUsage(held: 2823, timeWait: 2822, usable: 28_232)
        seen.peakRate = 100
        seen.meanRate = 47
        return seen
    }

    /// A load test without keep-alive: 13,400 a second that live 3.1 ms, until all is in TIME_WAIT.
    private static func loadTest() -> Advice.TupleEvidence {
        var seen = healthy()
        seen.opened = 41_200
        seen.closed = 40_000
        seen.closedIntoTimeWait = 39_200
        seen.failed = [.exhausted: 9000]
        seen.lived = Advice.Lifetime(mean: 3_100_000, count: 40_000)
        seen.meanBytes = 412
        seen.peak = PortUsage(held: 28_232, timeWait: 28_190, usable: 28_232)
        seen.peakRate = 13_400
        seen.meanRate = 900
        return seen
    }

    private func advice(
        _ seen: Advice.TupleEvidence..., pools: [Summary.BindPoolRow] = []
    ) -> [Advice] {
        Advice.given(seen, pools, limit: 12)
    }

    private func kinds(_ seen: Advice.TupleEvidence...) -> [Advice.Kind] {
        Advice.given(seen, [], limit: 12).map(\.kind)
    }

    private func has(_ name: String, _ seen: Advice.TupleEvidence) -> Bool {
        kinds(seen).contains { "\($0)".hasPrefix(name) }
    }

    // MARK: Nothing

    @Test func nothingForNothing() { #expect(Advice.given([], []).isEmpty) }

    @Test func nothingForAHealthyRun() {
        #expect(advice(Self.healthy()).isEmpty)
        let pool = Summary.BindPoolRow(
            key: BindPool.Key(netns: 1, local: Self.peer), usable: 28_232, peak: 14_115, failed: 0)
        #expect(advice(Self.healthy(), pools: [pool]).isEmpty)
    }

    @Test func halfIsTooMuch() {
        var seen = Self.healthy()
        seen.peak.held = 14_115
        #expect(advice(seen).isEmpty)
        seen.peak.held = 14_116
        #expect(!advice(seen).isEmpty)
    }

    /// What can be used again, or is held beside the range, is not spent.
    @Test func spentIsNotHeld() {
        var seen = Self.healthy()
        seen.peak = PortUsage(
            held: 28_000, timeWait: 27_990, reusable: 10_000, outsidePool: 3885, usable: 28_232)
        #expect(advice(seen).isEmpty)
        seen.peak.outsidePool -= 1
        #expect(!advice(seen).isEmpty)
    }

    @Test func nothingIsDividedByZero() {
        var seen = Self.healthy()
        for cause in Cause.allCases {
            seen.failed = [cause: 1]
            #expect(!advice(seen).isEmpty || [.blocked, .range, .beganBefore].contains(cause))
            var empty = Advice.TupleEvidence(
                tuple: Self.tuple(), range: PortRange(low: 2, high: 1), usable: 0,
                namespaceRange: PortRange(low: 2, high: 1))
            empty.failed = [cause: 1]
            empty.timeWaitRules = TimeWaitRules(reuse: 0, reuseDelay: 0)
            empty.peak = PortUsage(held: 1, timeWait: 1, usable: 0)
            empty.closed = 1
            empty.closedIntoTimeWait = 1
            empty.peakRate = .infinity
            _ = advice(empty)
        }
    }

    // MARK: The whole, and its order

    /// 13,400 × (0.0031 + 0.98 × 60) = 787,961.54 ports.
    @Test func ofALoadTest() {
        let all = advice(Self.loadTest())
        #expect(
            all.map(\.kind) == [
                // 28,232 ÷ (1 + 0.0031) = 28,144.75
                .timeWaitReuse(
                    rules: TimeWaitRules(), loopback: false, timeWait: 28_190, reusable: 15_058,
                    rate: 28_144),
                // 13,400 × 0.0031 = 41.54
                .reuseConnections(
                    connections: 41_200, lived: Advice.Lifetime(mean: 3_100_000, count: 40_000),
                    bytes: 412, pool: 42),
                .letPeerClose(share: 0.98, closed: 40_000, timeWait: 28_190),
                // 787,962 ÷ 28,232 = 27.9
                .addAddresses(28),
                // 65,535 − 1,024 + 1 − 28,232; 64,512 ÷ 58.8031 = 1,097.08
                .widenRange(
                    from: PortRange(low: 32_768, high: 60_999), to: Advice.widestRange,
                    adds: 36_280, sustains: 1097),
            ])
        #expect(all.allSatisfy { $0.demand == Advice.Demand(rate: 13_400, ports: 787_962) })
        #expect(all.map(\.covers) == [1, 1, 1, 1, 64_512.0 / 787_962])
        #expect(
            all.allSatisfy {
                $0.failed == 9000 && $0.peak == 28_232 && $0.scope == .tuple(Self.tuple())
            })
    }

    /// Without failures the mean is what was asked for: 300 × (0.001 + 60) = 18,000.3 of 28,232.
    @Test func ofAThreshold() {
        var seen = Self.healthy()
        seen.peak.held = 17_000
        seen.peak.timeWait = 17_000
        seen.peakRate = 5000
        seen.meanRate = 300
        let all = advice(seen)
        #expect(all.first?.demand == Advice.Demand(rate: 300, ports: 18_001))
        #expect(
            all.map { $0.covers } == [1, 1, 1, 1] && !all.contains { $0.kind == .addAddresses(1) })
        // The peak of a burst is a need, too.
        seen.meanRate = 1
        #expect(advice(seen).first?.demand == Advice.Demand(rate: 1, ports: 17_000))
    }

    @Test func theWorstOffFirst() {
        var few = Self.loadTest()
        few.tuple.remotePort = 81
        few.failed = [.exhausted: 3]
        var own = few
        own.tuple.remotePort = 82
        own.failed = [.range: 5]
        own.range = PortRange(low: 40_000, high: 40_015)
        own.usable = 16
        own.peak = PortUsage(held: 16, timeWait: 16, usable: 16)
        let all = advice(few, own, Self.loadTest())
        #expect(all.prefix(5).allSatisfy { $0.scope == .tuple(Self.tuple()) })
        // A pool of 42 is of no use to one that has 16 ports, nor is another range.
        #expect(all.map(\.others) == [2, 1, 2, 2, 1, 0])
        #expect(all.last?.scope == .tuple(own.tuple))
        guard case .socketRange = all.last?.kind else { return #expect(Bool(false)) }
    }

    /// What goes is what helps least.
    @Test func noMoreThanTheLimit() {
        let pool = Summary.BindPoolRow(
            key: BindPool.Key(netns: 1, local: Self.peer), usable: 28_232, peak: 1, failed: 1)
        let all = Advice.given([Self.loadTest()], [pool], limit: 4)
        #expect(all.map(\.covers) == [1, 1, 1, nil])
        #expect(all.last?.kind == .bindNoPort(blocked: 0))
        #expect(Advice.given([Self.loadTest()], [], limit: 0).isEmpty)
    }

    // MARK: Kind by kind

    @Test func connectionsThatLiveLongAreNotToBeReused() {
        var seen = Self.loadTest()
        // 13,400 × 1.0534 = 14,115.56, which is half of 28,232.
        seen.lived.mean = 1_053_400_000
        #expect(has("reuseConnections", seen))
        seen.lived.mean = 1_053_500_000
        #expect(!has("reuseConnections", seen))
        seen = Self.loadTest()
        seen.lived.count = 0
        #expect(!has("reuseConnections", seen))
    }

    @Test func oneConnectionWouldHaveDone() {
        var seen = Self.loadTest()
        seen.peakRate = 40
        seen.meanRate = 2
        guard
            case .reuseConnections(_, _, _, let pool)? = kinds(seen).first(where: {
                "\($0)".hasPrefix("reuse")
            })
        else { return #expect(Bool(false)) }
        #expect(pool == 1)
    }

    @Test func thePeerClosesAlready() {
        var seen = Self.loadTest()
        seen.closedIntoTimeWait = 19_999
        #expect(!has("letPeerClose", seen))
        seen.closedIntoTimeWait = 20_000
        #expect(has("letPeerClose", seen))
    }

    static let rules: [(reuse: UInt8, timestamps: Bool, loopback: Bool, advised: Bool)] = [
        (0, true, false, true), (0, true, true, true), (0, false, true, true),
        (1, true, false, false), (1, true, true, false), (1, false, false, true),
        (2, true, false, true), (2, true, true, false), (2, false, true, true),
        (2, false, false, true),
    ]

    @Test(arguments: rules)
    func reuseIsAdvisedUnlessInForce(
        _ row: (reuse: UInt8, timestamps: Bool, loopback: Bool, advised: Bool)
    ) {
        var seen = Self.loadTest()
        seen.timeWaitRules = TimeWaitRules(reuse: row.reuse, timestamps: row.timestamps)
        if row.loopback { seen.tuple.remote = IPAddress(v4: 0x7f01_0203) }
        #expect(has("timeWaitReuse", seen) == row.advised)
        seen.tuple.remote = row.loopback ? IPAddress(high: 0, low: 1) : IPAddress(high: 1, low: 1)
        #expect(has("timeWaitReuse", seen) == row.advised)
    }

    /// Those of the last second are too young: 28,190 − 13,400 × 0.98 × 1 = 15,058.
    @Test(arguments: [(1000, 15_058, 28_144), (500, 21_624, 56_116), (60_000, 0, 470)])
    func reusableIsEstimated(_ delay: UInt32, _ reusable: Int, _ rate: Int) {
        var seen = Self.loadTest()
        seen.timeWaitRules.reuseDelay = delay
        #expect(
            kinds(seen).contains(
                .timeWaitReuse(
                    rules: seen.timeWaitRules, loopback: false, timeWait: 28_190,
                    reusable: reusable, rate: rate)))
    }

    @Test func reuseThatDoesNotSufficeComesLater() {
        var seen = Self.loadTest()
        seen.peakRate = 40_000
        // 40,000 × (0.0031 + 0.98) = 39,324
        let reuse = advice(seen).first { "\($0.kind)".hasPrefix("timeWaitReuse") }
        #expect(reuse?.covers == 28_232.0 / 39_324)
        #expect(!"\(advice(seen)[0].kind)".hasPrefix("timeWaitReuse"))
    }

    @Test func openConnectionsAreNoTimeWaits() {
        var seen = Self.loadTest()
        seen.closed = 100
        seen.closedIntoTimeWait = 98
        seen.lived = Advice.Lifetime(mean: 600_000_000_000, count: 100)
        seen.peak = PortUsage(held: 28_232, timeWait: 98, usable: 28_232)
        let all = advice(seen)
        #expect(
            all.map(\.kind) == [
                .closeIdle(open: 28_134),
                .widenRange(
                    from: seen.range, to: Advice.widestRange, adds: 36_280, sustains: nil),
                .addAddresses(2),
            ])
        #expect(all.allSatisfy { $0.covers == nil && $0.demand?.ports == nil })
    }

    @Test func aWiderRange() {
        var seen = Self.loadTest()
        seen.peakRate = 600
        seen.meanRate = 470
        seen.blockedInWidest = Advice.Blocked(reserved: 500, bound: 12)
        // 600 × 58.8031 = 35,281.86 ≤ 64,000; 64,000 ÷ 58.8031 = 1,088.4
        let wide = Advice.Kind.widenRange(
            from: seen.range, to: Advice.widestRange, adds: 35_768, sustains: 1088)
        #expect(advice(seen).first { $0.kind == wide }?.covers == 1)
        seen.range = PortRange(low: 1024, high: 65_535)
        seen.namespaceRange = seen.range
        #expect(!has("widenRange", seen))
        // Almost all there is.
        seen = Self.loadTest()
        seen.blockedInWidest.bound = 64_512 - 31_055
        #expect(!has("widenRange", seen))
    }

    @Test func aRangeWithHolesIn() {
        var seen = Self.loadTest()
        seen.blocked = Advice.Blocked(reserved: 27_000, bound: 200)
        seen.usable = 1032
        seen.peak = PortUsage(held: 1032, timeWait: 1000, usable: 1032)
        seen.holders = [ProcessID(pid: 7, name: ProcessID.Name("nginx"))]
        seen.peakRate = 200
        seen.meanRate = 17
        // 200 × 58.8031 = 11,760.62 of 28,232
        let free = advice(seen)[1]
        #expect(
            free.kind
                == .freeRange(range: seen.range, blocked: seen.blocked, holders: seen.holders))
        #expect(free.covers == 1 && free.demand?.ports == 11_761)
        seen.blocked = Advice.Blocked(reserved: 2800, bound: 23)
        #expect(!has("freeRange", seen))
        seen.blocked.bound = 24
        #expect(has("freeRange", seen))
    }

    /// Other binds hold what this tuple lacks: its own connections are not the matter.
    @Test func blockedByBinds() {
        var seen = Self.healthy()
        seen.failed = [.blocked: 96]
        seen.usable = 10
        seen.blocked = Advice.Blocked(bound: 28_222)
        seen.peak = PortUsage(held: 2, timeWait: 2, usable: 10)
        let pool = Summary.BindPoolRow(
            key: BindPool.Key(netns: 1, local: Self.peer), usable: 28_232, peak: 28_222, failed: 0)
        var elsewhere = pool
        elsewhere.key.netns = 2
        elsewhere.peak = 14_115
        var small = pool
        small.key.local = Self.tuple().local
        small.peak = 2823
        let all = advice(seen, pools: [elsewhere, small, pool])
        #expect(all.map(\.scope).contains(.bindPool(BindPool.Key(netns: 1, local: Self.peer))))
        #expect(
            all.map(\.kind) == [
                .bindNoPort(blocked: 96),
                .freeRange(range: seen.range, blocked: seen.blocked, holders: []),
                .widenRange(
                    from: seen.range, to: Advice.widestRange, adds: 64_502, sustains: 1075),
            ])
        #expect(all.allSatisfy { $0.others == 0 })
    }

    @Test(arguments: [(28_232, 1, true), (14_116, 0, true), (14_115, 0, false), (0, 1, true)])
    func bindPools(_ used: Int, _ failed: Int, _ advised: Bool) {
        let pool = Summary.BindPoolRow(
            key: BindPool.Key(netns: 1, local: Self.peer), usable: 28_232, peak: used,
            failed: failed)
        let all = advice(Self.healthy(), pools: [pool])
        #expect(all.map(\.kind) == (advised ? [.bindNoPort(blocked: 0)] : []))
        #expect(all.allSatisfy { $0.failed == failed && $0.peak == used && $0.usable == 28_232 })
    }

    @Test func aSocketsOwnRange() {
        var seen = Self.loadTest()
        seen.range = PortRange(low: 40_000, high: 40_015)
        seen.usable = 16
        seen.blocked.reserved = 32
        seen.failed = [.range: 96]
        seen.peak = PortUsage(held: 16, timeWait: 16, usable: 16)
        seen.peakRate = 20
        seen.meanRate = 1
        #expect(kinds(seen)[0] == .socketRange(own: seen.range, wide: 28_200))
        // 20 × 58.8031 = 1,176.06
        #expect(advice(seen)[0].demand?.ports == 1177)
        #expect(!has("widenRange", seen) && !has("freeRange", seen))
        #expect(!has("socketRange", Self.loadTest()))
    }

    @Test(arguments: [
        (Cause.collision, Advice.Kind.collision(5)), (.noAddress, .noAddress(5)),
        (.noMemory, .noMemory(5)),
    ])
    func otherCauses(_ cause: Cause, _ kind: Advice.Kind) {
        var seen = Self.healthy()
        seen.failed = [cause: 5]
        #expect(kinds(seen) == [kind])
    }
}
