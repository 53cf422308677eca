/// The report on exit, as data.
package struct Summary: Sendable {
    /// Nanoseconds from the start to the end of the trace.
    package var duration: UInt64
    package var totals = TupleAccount.Totals()
    package var accuracy: Accuracy
    package var linesDropped: Int
    /// The namespaces that were there at the end, by their identity.
    package var namespaces: [UInt32: Namespace]
    /// By peak share in descending order, at most `limit` of them.
    package var tuples: [TupleAccount]
    /// How many more there were.
    package var tuplesOmitted: Int
    /// Ports held at the end, and how many of them are in TIME_WAIT.
    package var held = 0
    package var timeWait = 0

    package init(
        of ledger: Ledger, duration: UInt64, accuracy: Accuracy, linesDropped: Int, limit: Int
    ) {
        self.duration = duration
        self.accuracy = accuracy
        self.linesDropped = linesDropped
        namespaces = ledger.namespaces
        let all = ledger.tuples
        totals = ledger.forgotten.totals
        for account in all {
            totals.opened += account.totals.opened
            totals.closed += account.totals.closed
            totals.failed += account.totals.failed
            held += account.held
            timeWait += account.timeWait
        }
        if accuracy.lost > 0, let counted = accuracy.counted {
            // Some connects were not told, but the kernel has counted them all.
            totals.failed = counted.failed
            totals.opened = max(0, counted.opened - counted.failed - ledger.undecided)
        }
        tuples = Array(all.sorted(by: Self.precedes).prefix(limit))
        tuplesOmitted = all.count - tuples.count + ledger.forgotten.tuples
    }

    /// Failures by process and tuple, most first.
    package var failures: [(process: Process, tuple: Tuple, count: Int)] {
        tuples.flatMap { account in
            account.processes.shares.filter { $0.failed > 0 }.map {
                (process: $0.process, tuple: account.tuple, count: $0.failed)
            }
        }
        .sorted { $0.count > $1.count }
    }

    private static func precedes(_ a: TupleAccount, _ b: TupleAccount) -> Bool {
        if a.peak.share != b.peak.share { return a.peak.share > b.peak.share }
        if a.totals.failed != b.totals.failed { return a.totals.failed > b.totals.failed }
        return a.totals.opened > b.totals.opened
    }
}
