import Events
import PortModel

/// What a report of one traced run is made from: what a recording of it says, in bounded space. Live
/// runs go the same way, so that both reports are equal. Times are nanoseconds since 1970 in UTC.
package struct RunReport: Sendable {
    /// The host and the settings; nil if the recording has no start.
    package var start: Event.Start?
    package var startedAt: UInt64
    /// When the last event was.
    package var endedAt: UInt64
    package var ending: Ending
    /// What the totals, the tables and the advice are made from. Of a run whose end is not there: the
    /// last one that was made while it ran, if any, and what the ticks have told since.
    package var summary: Summary

    /// Seconds for one point of the series: 1, 2, 4…
    package var secondsPerPoint: Int
    /// Of all tuples together; without bind pools.
    package var totals: TimeSeries
    /// Of the tuples and bind pools with the greatest peak share, that one first.
    package var series: [ScopeSeries]
    /// How many more there were.
    package var seriesOmitted: Int

    /// Alerts, first failures, losses: in the order in which they came.
    package var moments: [Moment]
    /// How many more there were, all of them later.
    package var momentsOmitted: Int

    /// What could not be read.
    package var reading: Reading
    /// What to call namespaces and errors, and the time zone of the traced host. Its times of day are for
    /// those of this report, so the offset of its clock is 0.
    package var context: RenderContext

    /// The series of a tuple or bind pool; nil if it has none.
    package func series(of scope: PortScope) -> TimeSeries? {
        series.first { $0.scope == scope }?.series
    }

    package enum Ending: Hashable, Sendable {
        /// The summary is the one that was made at the end.
        case complete
        /// The recording breaks off; causes, processes and advice are as they were at that time.
        case summaryAt(UInt64)
        /// It breaks off before any summary: only what the ticks tell is known.
        case ticksOnly
    }

    package struct ScopeSeries: Hashable, Sendable {
        package var scope: PortScope
        package var series: TimeSeries

        package init(scope: PortScope, series: TimeSeries) {
            (self.scope, self.series) = (scope, series)
        }
    }

    /// How a recording could be read. All 0 and false for a live run.
    package struct Reading: Hashable, Sendable {
        /// Lines that are no event, or lack what such an event has.
        package var unreadable = 0
        /// Events of kinds that this version does not know.
        package var unknown = 0
        /// The last line was cut off.
        package var isTruncated = false

        package init() {}
    }
}
