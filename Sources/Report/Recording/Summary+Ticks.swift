import PortModel

extension Summary {
    /// Brings one up to date that was made before the end of a run that broke off, but for causes,
    /// processes and advice. `ticks`: of the tuples with the greatest peak share; `totals`: of all.
    mutating func bringUpToDate(_ ticks: [TupleRow], totals: TupleState.Totals) {
        self.totals.raise(to: totals)
        portExhaustion.connects = max(
            portExhaustion.connects,
            self.totals.failed - min(self.totals.failed, otherErrors.connects))
        var places: [Tuple: Int] = [:]
        for (place, row) in tuples.enumerated() { places[row.tuple] = place }
        for ticked in ticks {
            guard let place = places[ticked.tuple] else {
                tuples.append(ticked)
                continue
            }
            tuples[place].usage = ticked.usage
            if ticked.peak.held > tuples[place].peak.held { tuples[place].peak = ticked.peak }
            tuples[place].totals.raise(to: ticked.totals)
        }
        tuplesOmitted = max(0, tuplesOmitted - (tuples.count - places.count))
        tuples.sort { $0.peak.share > $1.peak.share }
    }
}

extension TupleState.Totals {
    /// Of two that count up, the later.
    mutating func raise(to other: TupleState.Totals) {
        opened = max(opened, other.opened)
        closed = max(closed, other.closed)
        closedFirst = max(closedFirst, other.closedFirst)
        failed = max(failed, other.failed)
    }
}
