import Events
import PortModel

extension Summary {
    /// What the ticks of a tuple have told.
    struct Ticked {
        var tuple: Tuple
        var usage: PortUsage
        var peak: TupleState.Peak
        var totals: TupleState.Totals
    }

    /// Brings one up to date that was made before the end of a run that broke off. Causes, processes and
    /// advice stay as they were.
    ///
    /// - Parameters:
    ///   - ticks: of the tuples with the greatest peak share, that one first.
    ///   - totals: of all tuples.
    mutating func bringUpToDate(_ ticks: [Ticked], totals: TupleState.Totals) {
        self.totals.raise(to: totals)
        portExhaustion.connects = max(
            portExhaustion.connects,
            self.totals.failed - min(self.totals.failed, otherErrors.connects))
        var places: [Tuple: Int] = [:]
        for (place, row) in tuples.enumerated() { places[row.tuple] = place }
        for ticked in ticks {
            let place = places[ticked.tuple] ?? tuples.count
            if place == tuples.count {
                tuples.append(
                    TupleRow(
                        tuple: ticked.tuple, range: PortRange(low: 1, high: 0),
                        usage: ticked.usage, peak: ticked.peak))
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
    fileprivate mutating func raise(to other: TupleState.Totals) {
        opened = max(opened, other.opened)
        closed = max(closed, other.closed)
        closedFirst = max(closedFirst, other.closedFirst)
        failed = max(failed, other.failed)
    }
}
