@testable import Events
@testable import PortModel
@testable import Report

extension Sample {
    /// Each kind of advice, with all that may be absent, and without.
    static let everyAdvice: [Advice] = {
        let binder = ProcessID(pid: 812, name: ProcessID.Name("nginx"))
        let own = PortRange(low: 40_000, high: 40_015)
        let rules = TimeWaitRules(reuse: 0, timestamps: false)
        let lived = Advice.Lifetime(mean: 3_100_000, count: 40_000)
        let full: [(Advice.Kind, Double?)] = [
            (
                .reuseConnections(
                    connections: 41_200, lived: lived, bytes: 412.4, pool: 42), 1
            ),
            (.letPeerClose(share: 0.98, closed: 40_000, timeWait: 28_190), 0.5),
            (
                .timeWaitReuse(
                    rules: TimeWaitRules(), loopback: false, timeWait: 28_190, reusable: 15_058,
                    rate: 28_144), 1
            ),
            (.closeIdle(open: 28_134), nil),
            (
                .widenRange(from: range, to: Advice.widestRange, adds: 36_280, sustains: 1097),
                0.0819
            ),
            (
                .freeRange(
                    range: range, blocked: Advice.Blocked(reserved: 27_000, bound: 200),
                    holders: [binder]), 1
            ),
            (.addAddresses(28), 1), (.socketRange(own: own, wide: 28_200), 1),
            (.collision(96), nil), (.noAddress(3), nil), (.noMemory(1), nil),
        ]
        let bare: [(Advice.Kind, Double?)] = [
            (
                .reuseConnections(
                    connections: 64, lived: Advice.Lifetime(mean: 110_000, count: 64), bytes: nil,
                    pool: 1), 1
            ),
            (.letPeerClose(share: 1, closed: 40_000, timeWait: 28_190), nil),
            (
                .timeWaitReuse(
                    rules: rules, loopback: true, timeWait: 64, reusable: 0, rate: 63), nil
            ),
            (.closeIdle(open: 2), nil),
            (.widenRange(from: range, to: Advice.widestRange, adds: 36_280, sustains: nil), nil),
            (.freeRange(range: range, blocked: Advice.Blocked(bound: 1), holders: []), nil),
            (.addAddresses(2), nil), (.socketRange(own: own, wide: 28_200), nil),
            (.collision(1), nil), (.noAddress(1), nil), (.noMemory(2), nil),
        ]
        let pool = PortScope.bindPool(BindPool.Key(netns: tupleV6.netns, local: tuple.local))
        return full.map {
            Advice(
                kind: $0, scope: .tuple(tuple), process: process, failed: 9000, peak: 28_232,
                usable: 28_232,
                demand: Advice.Demand(rate: 13_400, ports: 787_962), covers: $1, others: 3)
        }
            + bare.map {
                Advice(
                    kind: $0, scope: .tuple(tupleV6), process: .unknown, failed: 0, peak: 27_000,
                    usable: 28_232, demand: Advice.Demand(rate: 40.25, ports: nil), covers: $1)
            } + [
                Advice(
                    kind: .bindNoPort(blocked: 96), scope: pool, process: process, failed: 4100,
                    peak: 28_231,
                    usable: 28_232),
                Advice(
                    kind: .bindNoPort(blocked: 0), scope: pool, process: .unknown, failed: 0,
                    peak: 28_231,
                    usable: 28_232),
            ]
    }()

    static func summary(advising advice: [Advice]) -> Event {
        var summary = Summary(
            of: Ledger(), duration: 61_234_567_890, accuracy: Accuracy(), linesDropped: 0,
            limit: 1000)
        summary.advice = advice
        return .summary(summary)
    }
}
