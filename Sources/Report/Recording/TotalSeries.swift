import PortModel

/// How all tuples together stood, second by second.
struct TotalSeries: Sendable {
    /// What happened since the start.
    private(set) var sums = TupleState.Totals()
    /// Ports held now, by all, and how many of them are in TIME_WAIT.
    private(set) var held = 0
    private(set) var timeWait = 0

    var series = TimeSeries()
    /// What each tuple holds that holds any.
    private var holding: [Tuple: (held: Int, timeWait: Int)] = [:]
    /// The second that is under way.
    private var point = TimeSeries.Point()
    private var second: Int?

    /// Takes `tick`, which is `point`, in `second`, never before an earlier one; `width`: seconds for one
    /// point. Tuples beyond `limit` that hold ports are left out.
    mutating func add(
        _ tick: Tick, _ point: TimeSeries.Point, in second: Int, width: Int, limit: Int
    ) {
        if second != self.second {
            finishSecond(width: width)
            self.second = second
        }
        sums.add(tick.since)
        self.point.count(point)
        hold(Int(point.held), Int(point.timeWait), tick.tuple, limit: limit)
    }

    private mutating func hold(_ held: Int, _ timeWait: Int, _ tuple: Tuple, limit: Int) {
        let before = holding[tuple]
        if held == 0 {
            if before != nil { holding[tuple] = nil }
        } else if before != nil || holding.count < limit {
            holding[tuple] = (held, timeWait)
        } else {
            return
        }
        self.held += held - (before?.held ?? 0)
        self.timeWait += timeWait - (before?.timeWait ?? 0)
    }

    private mutating func finishSecond(width: Int) {
        guard let second else { return }
        point.held = UInt32(clamping: held)
        point.timeWait = UInt32(clamping: timeWait)
        series.add(point, in: second, width: width)
        point = TimeSeries.Point()
    }

    /// The series up to second `end`, that one not included.
    func finished(_ end: Int, width: Int) -> TimeSeries {
        var copy = self
        copy.finishSecond(width: width)
        copy.series.carry(to: end, width: width)
        return copy.series
    }
}

extension TupleState.Totals {
    /// Numbers that somebody made up are cut off.
    mutating func add(_ other: TupleState.Totals) {
        combine(other) { a, b in
            let (sum, overflow) = a.addingReportingOverflow(b)
            return overflow ? (b < 0 ? .min : .max) : sum
        }
    }

    /// Of two that count up, the later.
    mutating func raise(to other: TupleState.Totals) { combine(other, max) }

    private mutating func combine(_ other: TupleState.Totals, _ combined: (Int, Int) -> Int) {
        opened = combined(opened, other.opened)
        closed = combined(closed, other.closed)
        closedFirst = combined(closedFirst, other.closedFirst)
        failed = combined(failed, other.failed)
    }
}
