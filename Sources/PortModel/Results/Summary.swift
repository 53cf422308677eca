/// The report on exit, as data.
package struct Summary: Hashable, Sendable {
    /// Nanoseconds from the start to the end of the trace.
    package var duration: UInt64
    package var totals = TupleState.Totals()
    package var accuracy: Accuracy
    package var linesDropped: Int
    /// A recording of 0.1.0, which counted the connections of some processes only: others held ports of
    /// the same tuples, too.
    package var isPartial = false
    /// Those that were there at the end, by their inode numbers.
    package var namespaces: [NamespaceRow] = []
    /// The `limit` tuples with the highest peak share, in descending order.
    package var tuples: [TupleRow] = []
    /// Tuples that the limit left out.
    package var tuplesOmitted = 0
    /// The pools that a bind() chose from, the ones with failures first, then the fullest.
    package var bindPools: [BindPoolRow] = []
    /// Calls that failed although no tuple's record says why, most first.
    package var refusals: [FailedCall.Count] = []
    /// Connects and binds that failed because there was no port left to choose.
    package var portExhaustion = Calls()
    /// Connects and binds that failed for another reason.
    package var otherErrors = Calls()
    /// Ports held at the end, and how many of them are in TIME_WAIT.
    package var held = 0
    package var timeWait = 0
    /// How many of the held are of processes that the filter does not choose, or that are not known.
    package var others = 0
    /// Most useful first; nothing where nothing was wrong.
    package var advice: [Advice] = []

    package init(duration: UInt64, accuracy: Accuracy, linesDropped: Int) {
        (self.duration, self.accuracy, self.linesDropped) = (duration, accuracy, linesDropped)
    }

    package init(
        of ledger: Ledger, duration: UInt64, accuracy: Accuracy, linesDropped: Int, limit: Int
    ) {
        self.init(duration: duration, accuracy: accuracy, linesDropped: linesDropped)
        namespaces = ledger.namespaces.map { NamespaceRow($0.value, netns: $0.key) }
            .sorted { ($0.inode, $0.netns) < ($1.inode, $1.netns) }
        bindPools = ledger.bindPools.values.filter { $0.peak > 0 || $0.failed > 0 }
            .sorted { ($0.failed, $0.peak, $1.number) > ($1.failed, $1.peak, $0.number) }
            .map(BindPoolRow.init)
        refusals = ledger.failures.refusals.sorted { $0.count > $1.count }
        let all = ledger.shownTuples
        totals = ledger.tuples.forgotten.totals
        for state in all {
            let counts = state.chosen
            totals.opened += counts.opened
            totals.closed += counts.closed
            totals.closedFirst += counts.closedFirst
            totals.failed += counts.failed
            others += state.usage.others
            held += state.held
            timeWait += state.timeWait
            for (cause, count) in state.causes where !cause.isPortExhaustion {
                otherErrors.connects += count
            }
        }
        if accuracy.lost > 0, let counted = accuracy.counted {
            // Records of some connects were lost, but the kernel has counted them all.
            totals.failed = counted.failed
            totals.opened = max(0, counted.opened - counted.failed - ledger.undecided)
        }
        portExhaustion.connects = max(0, totals.failed - otherErrors.connects)
        for (cause, calls) in ledger.failures.refusalsByCause {
            if cause == .exhausted { portExhaustion.binds = calls.binds }
            if !cause.isPortExhaustion { otherErrors.add(calls) }
        }
        let chosen = Array(all.sorted(by: Self.precedes).prefix(limit))
        tuples = chosen.map(TupleRow.init)
        tuplesOmitted = all.count - tuples.count + ledger.tuples.forgotten.tuples
        advice = Advice.given(chosen.compactMap { Advice.TupleEvidence($0, ledger) }, bindPools)
    }

    private static func precedes(_ a: TupleState, _ b: TupleState) -> Bool {
        (a.peak.share, a.totals.failed, a.totals.opened)
            > (b.peak.share, b.totals.failed, b.totals.opened)
    }

    /// Calls that failed by cause, name and scope, most first; of older recordings, by process.
    package var failures: [FailedCall.Count] {
        let ofTuples = tuples.flatMap { row in row.callers.flatMap { $0.failures(of: row.tuple) } }
        return (ofTuples + refusals).sorted { $0.count > $1.count }
    }
}

extension Summary.TupleRow {
    /// Processes of one name, and their calls.
    fileprivate struct Caller {
        var counts: Callers.NameShare
        /// Those whose counts are known.
        var processes: [Callers.Share]

        /// By cause; nil where it is not known.
        func failures(of tuple: Tuple) -> [FailedCall.Count] {
            let diagnosed = counts.causes.map { (cause: Optional($0.key), count: $0.value) }
            let rest = counts.failed - diagnosed.reduce(0) { $0 + $1.count }
            return (diagnosed + [(cause: nil, count: rest)]).filter { $0.count > 0 }.map {
                cause, count in
                let one = processes.first { cause.map($0.causes.keys.contains) ?? true }
                let call = FailedCall(
                    scope: .tuple(tuple), process: one?.process ?? counts.anyProcess, cause: cause)
                return FailedCall.Count(call, count: count, processes: counts.processes)
            }
        }
    }

    /// By name; of older recordings, which have no names, each process by itself.
    fileprivate var callers: [Caller] {
        guard names.isEmpty else {
            return names.map { counts in
                Caller(
                    counts: counts,
                    processes: processes.filter { $0.process.name == counts.name })
            }
        }
        return processes.map { share in
            var counts = Callers.NameShare(name: share.process.name, processes: 1)
            counts.add(share)
            return Caller(counts: counts, processes: [share])
        }
    }
}
