/// The report on exit, as data.
package struct Summary: Hashable, Sendable {
    /// Nanoseconds from the start to the end of the trace.
    package var duration: UInt64
    package var totals = TupleState.Totals()
    package var accuracy: Accuracy
    package var linesDropped: Int
    /// Only the connections of some processes were counted: others held ports of the same tuples, too.
    package var isPartial = false
    /// Those that were there at the end, by their inode numbers.
    package var namespaces: [NamespaceRow]
    /// By peak share in descending order, at most `limit` of them.
    package var tuples: [TupleRow]
    /// How many more there were.
    package var tuplesOmitted: Int
    /// The pools that a bind() chose from, the ones with failures first, then the fullest.
    package var bindPools: [BindPoolRow]
    /// What failed without any tuple's having run out, most first.
    package var refusals: [RefusalRow]
    /// Connects and binds that failed because there was no port left to choose.
    package var wantOfPort = Calls()
    /// Connects and binds that failed for another reason.
    package var otherwise = Calls()
    /// Ports held at the end, and how many of them are in TIME_WAIT.
    package var held = 0
    package var timeWait = 0
    /// Most useful first; nothing where nothing was wrong.
    package var advice: [Advice] = []

    package init(duration: UInt64, accuracy: Accuracy, linesDropped: Int) {
        self.duration = duration
        self.accuracy = accuracy
        self.linesDropped = linesDropped
        (namespaces, tuples, tuplesOmitted, bindPools, refusals) = ([], [], 0, [], [])
    }

    package init(
        of ledger: Ledger, duration: UInt64, accuracy: Accuracy, linesDropped: Int, limit: Int
    ) {
        self.init(duration: duration, accuracy: accuracy, linesDropped: linesDropped)
        isPartial = ledger.isPartial
        namespaces = ledger.namespaces.map { NamespaceRow($0.value, netns: $0.key) }
            .sorted { ($0.inode, $0.netns) < ($1.inode, $1.netns) }
        let pools = ledger.bindPools.values.filter { $0.peak > 0 || $0.failed > 0 }
            .sorted { ($0.failed, $0.peak, $1.number) > ($1.failed, $1.peak, $0.number) }
        bindPools = pools.map(BindPoolRow.init)
        refusals = ledger.refusals.map { RefusalRow(refused: $0.key, count: $0.value) }
            .sorted { $0.count > $1.count }
        let all = ledger.tuples
        var otherwiseFailed = 0
        totals = ledger.forgotten.totals
        for account in all {
            totals.opened += account.totals.opened
            totals.closed += account.totals.closed
            totals.closedFirst += account.totals.closedFirst
            totals.failed += account.totals.failed
            held += account.held
            timeWait += account.timeWait
            for (cause, count) in account.causes where !cause.isWantOfPort {
                otherwiseFailed += count
            }
        }
        if accuracy.lost > 0, let counted = accuracy.counted {
            // Some connects were not told, but the kernel has counted them all.
            totals.failed = counted.failed
            totals.opened = max(0, counted.opened - counted.failed - ledger.undecided)
        }
        countFailures(ledger.refusalsByKind, otherwiseFailed: otherwiseFailed)
        let chosen = Array(all.sorted(by: Self.precedes).prefix(limit))
        tuples = chosen.map(TupleRow.init)
        tuplesOmitted = all.count - tuples.count + ledger.forgotten.tuples
        advice = Advice.given(ledger, chosen, pools)
    }

    /// - Parameters:
    ///   - refusals: all of them, while the rows have a limit.
    ///   - otherwiseFailed: of the connects in `totals.failed`, those that wanted for no port.
    private mutating func countFailures(_ refusals: [Refused.Kind: Int], otherwiseFailed: Int) {
        func refused(_ call: Record.Call) -> Int {
            refusals.reduce(0) {
                $0 + ($1.key.call == call && !$1.key.cause.isWantOfPort ? $1.value : 0)
            }
        }
        wantOfPort = Calls(
            connects: max(0, totals.failed - otherwiseFailed),
            binds: refusals[Refused.Kind(call: .bind, cause: .exhausted)] ?? 0)
        otherwise = Calls(
            connects: otherwiseFailed + refused(.connect), binds: refused(.bind))
    }

    private static func precedes(_ a: TupleState, _ b: TupleState) -> Bool {
        if a.peak.share != b.peak.share { return a.peak.share > b.peak.share }
        if a.totals.failed != b.totals.failed { return a.totals.failed > b.totals.failed }
        return a.totals.opened > b.totals.opened
    }
}

// MARK: Failures

extension Summary {
    /// Calls that failed by cause, process and tuple, most first.
    package var failures: [(what: Failed, count: Int)] {
        let ofTuples = tuples.flatMap { account in
            account.processes.flatMap { share in
                let told = share.causes.map { (cause: Optional($0.key), count: $0.value) }
                let rest = share.failed - told.reduce(0) { $0 + $1.count }
                return (told + [(cause: nil, count: rest)]).filter { $0.count > 0 }.map {
                    let what = Failed(
                        call: .connect, cause: $0.cause, tuple: account.tuple, localPort: 0,
                        process: share.process)
                    return (what: what, count: $0.count)
                }
            }
        }
        let others = refusals.map { row in
            let refused = row.refused
            let what = Failed(
                call: refused.call, cause: refused.cause, tuple: refused.tuple,
                localPort: refused.localPort, process: refused.process)
            return (what: what, count: row.count)
        }
        return (ofTuples + others).sorted { $0.count > $1.count }
    }

    package struct Failed: Hashable, Sendable {
        package var call: Record.Call
        /// Nil if it has not been told.
        package var cause: Cause?
        package var tuple: Tuple
        /// bind(): what was asked for.
        package var localPort: UInt16
        package var process: ProcessID
    }
}
