extension Advice {
    /// One tuple, as it was seen from the start to the end.
    struct TupleEvidence: Sendable {
        var tuple: Tuple
        /// The one with the most connects.
        var process = ProcessID.unknown

        /// Connects that got a port.
        var opened = 0
        var failed: [Cause: Int] = [:]
        var closed = 0
        /// The part of `closed` that went into TIME_WAIT.
        var closedIntoTimeWait = 0
        var lived = Lifetime(mean: 0, count: 0)
        /// Payload of a connection, both ways, on average; nil if not known.
        var meanBytes: Double?

        /// Ports at the moment at which it held most.
        var peak = PortUsage(usable: 0)
        /// Most connections that were opened within one second.
        var peakRate = 0.0
        /// Connections opened a second, on average over the seconds in which there were any.
        var meanRate = 0.0

        /// The range in force for its sockets, and the ports of it that are usable.
        var range: PortRange
        var usable: Int
        /// The namespace's range, which `range` is part of.
        var namespaceRange: PortRange
        /// In `namespaceRange`.
        var blocked = Blocked()
        /// The same in `Advice.widestRange`.
        var blockedInWidest = Blocked()
        var timeWaitRules = TimeWaitRules()
        /// The processes known to hold `blocked.bound`.
        var holders: [ProcessID] = []

        var failures: Int { failed.values.reduce(0, +) }

        /// The part of the usable ports that was spent at the peak.
        var share: Double {
            Double(max(0, peak.held - peak.reusable - peak.outsidePool))
                / Double(max(1, peak.usable))
        }
    }
}

extension Advice.TupleEvidence {
    /// Nil if nothing is known of its namespace.
    init?(_ state: TupleState, _ ledger: Ledger) {
        guard let namespace = ledger.namespaces[state.tuple.netns] else { return nil }
        let pool = namespace.pool
        self.init(
            tuple: state.tuple, process: state.processes.top ?? .unknown,
            opened: state.totals.opened, failed: state.causes, closed: state.totals.closed,
            closedIntoTimeWait: state.totals.closedFirst,
            lived: Advice.Lifetime(
                mean: UInt64(state.lives.mean ?? 0), count: state.lives.count),
            meanBytes: state.loads.mean, peak: state.peak.usage,
            peakRate: Double(state.rates.greatest), meanRate: state.rates.mean ?? 0,
            range: state.range, usable: state.usable, namespaceRange: pool.range,
            blocked: Advice.Blocked(reserved: pool.reservedInRange, bound: pool.boundInRange),
            blockedInWidest: Advice.Blocked(
                reserved: pool.reserved.count(in: Advice.widestRange), bound: pool.boundInRange),
            timeWaitRules: namespace.timeWait)
        if blocked.bound > 0, state.totals.failed > 0 {
            holders = ledger.pools.holders(
                of: pool.range, in: state.tuple.netns, limit: 3, ledger.connections
            ).map(\.process)
        }
    }
}

extension Summary.BindPoolRow {
    /// The part of the usable ports that was used at the peak.
    var share: Double { peak == 0 ? 0 : Double(peak) / Double(max(1, usable)) }

    /// - Parameter blocked: connects of this namespace that failed because of binds.
    func advice(blocked: Int) -> Advice? {
        guard failed > 0 || share >= Advice.crowded || blocked > 0 && share >= Advice.noteworthy
        else { return nil }
        return Advice(
            kind: .bindNoPort(blocked: blocked), scope: .bindPool(key),
            process: topProcess ?? .unknown, failed: failed, peak: peak, usable: usable)
    }
}
