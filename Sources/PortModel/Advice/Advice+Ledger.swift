extension Advice {
    /// Advice for what a ledger has seen.
    static func given(
        _ ledger: Ledger, _ tuples: [TupleState], _ pools: [BindPool]
    ) -> [Advice] {
        given(
            tuples.compactMap { TupleEvidence($0, ledger) },
            pools.map { pool in
                BindPoolEvidence(
                    netns: pool.key.netns, local: pool.key.local,
                    process: pool.processes.top ?? .unknown, used: pool.peak, usable: pool.usable,
                    failed: pool.failed)
            })
    }
}

extension Advice.TupleEvidence {
    /// Nil if nothing is known of its namespace.
    fileprivate init?(_ state: TupleState, _ ledger: Ledger) {
        guard let namespace = ledger.namespaces[state.tuple.netns] else { return nil }
        let pool = namespace.pool
        self.init(
            tuple: state.tuple, range: state.range, usable: state.usable,
            namespaceRange: pool.range,
            blocked: Advice.Blocked(reserved: pool.reservedInRange, bound: pool.boundInRange),
            blockedInWidest: Advice.Blocked(
                reserved: pool.reserved.count(in: Advice.widestRange), bound: pool.boundInRange))
        process = state.processes.top ?? .unknown
        opened = state.totals.opened
        failed = state.causes
        closed = state.totals.closed
        closedIntoTimeWait = state.totals.closedFirst
        if let mean = state.lives.mean {
            lived = Advice.Lifetime(mean: UInt64(mean), count: state.lives.count)
        }
        meanBytes = state.loads.mean
        peak = state.peak.usage
        peakRate = Double(state.rates.greatest)
        meanRate = state.rates.mean ?? 0
        timeWaitRules = namespace.timeWait
        if blocked.bound > 0, state.totals.failed > 0 {
            holders = ledger.pools.holders(
                of: pool.range, in: state.tuple.netns, limit: 3, ledger.connections
            ).map(\.process)
        }
    }
}
