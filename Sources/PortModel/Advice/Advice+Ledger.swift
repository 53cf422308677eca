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
    /// Nil when nothing is known of its namespace.
    fileprivate init?(_ account: TupleState, _ ledger: Ledger) {
        guard let namespace = ledger.namespaces[account.tuple.netns] else { return nil }
        let pool = namespace.pool
        self.init(
            tuple: account.tuple, range: account.range, usable: account.usable,
            namespaceRange: pool.range,
            blocked: Advice.Blocked(reserved: pool.reservedInRange, bound: pool.boundInRange),
            blockedInWidest: Advice.Blocked(
                reserved: pool.reserved.count(in: Advice.widestRange), bound: pool.boundInRange))
        process = account.processes.top ?? .unknown
        opened = account.totals.opened
        failed = account.causes
        closed = account.totals.closed
        closedIntoTimeWait = account.totals.closedFirst
        if let mean = account.lives.mean {
            lived = Advice.Lifetime(mean: UInt64(mean), count: account.lives.count)
        }
        meanBytes = account.loads.mean
        let usage = account.peak.usage
        peak = Peak(
            held: usage.held, usable: usage.usable, timeWait: usage.timeWait,
            reusable: usage.reusable, elsewhere: usage.elsewhere)
        peakRate = Double(account.rates.greatest)
        meanRate = account.rates.mean ?? 0
        timeWaitRules = namespace.timeWait
        if blocked.bound > 0, account.totals.failed > 0 {
            binders = ledger.holders(of: pool.range, in: account.tuple.netns, limit: 3)
                .map(\.process)
        }
    }
}
