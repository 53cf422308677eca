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

// MARK: - Fields

extension RunReport: FieldGroup {
    package static let blanks = [RunCollector().report(in: .blank)]
    package var definition: String { "host" }
    package var what: String { "What one recording says." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.use(context)
        endingFields(&v)
        v.field("ended_at", &endedAt, .time, "When the last event was: \(Time.look)")
        v.field("truncated", &reading.isTruncated, .flag, "The recording's last line was cut off.")
        v.field("unreadable", &reading.unreadable, .count, "Lines that could not be read.")
        v.field("unknown", &reading.unknown, .count, "Events of kinds unknown to this version.")
        var first = start.map { TimedEvent(.start($0), at: startedAt) }
        v.optional("start", &first, .object(), "Host and options. Absent if there was no start.")
        var last = TimedEvent(.summary(summary), at: endedAt)
        v.field("summary", &last, .object(), "What became of all, as far as is known.")
        v.field("seconds_per_point", &secondsPerPoint, .integer(1), "1, 2, 4…")
        v.field("totals", &totals, .object(), "All tuples together, without bind pools.")
        v.field("series", &series, .objects(), "Those with the greatest peak share, in that order.")
        v.field("series_omitted", &seriesOmitted, .count, "How many more there were.")
        v.field("moments", &moments, .objects(), "Alerts, first failures, losses, in order.")
        v.field("moments_omitted", &momentsOmitted, .count, "How many more there were, all later.")
    }

    private func endingFields(_ v: inout some FieldVisitor) {
        var (name, time): (String, UInt64?) =
            switch ending {
            case .complete: ("complete", nil)
            case .summaryAt(let time): ("summary_before", time)
            case .ticksOnly: ("ticks_only", nil)
            }
        v.field(
            "ending", &name, .text("complete", "summary_before", "ticks_only"),
            "`complete`: the summary is that of the end. Else the recording breaks off, and causes, "
                + "processes and advice are as of `summary_at`, or with `ticks_only` missing.")
        v.optional("summary_at", &time, .time, "When that was: \(Time.look) Only before the end.")
    }
}

extension TimeSeries: FieldGroup {
    package static let blanks = [TimeSeries()]
    package var definition: String { "totals" }
    package var what: String { "A series of points." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.derived("first", first, .count, "Place of the first point, of `seconds_per_point` each.")
        let each = List<Integer<UInt32>>.list(.integer(), of: "One point.")
        v.derived(
            "held", points.map(\.held), each, "Most ports held at a second's end, with TIME_WAITs.")
        v.derived("time_wait", points.map(\.timeWait), each, "How many of them were in TIME_WAIT.")
        v.derived("usable", points.map(\.usable), each, "Usable then; 0 for all tuples together.")
        v.derived("opened", points.map(\.opened), each, "Connects that got a port.")
        v.derived("closed", points.map(\.closed), each, "Sockets closed.")
        v.derived("failed", points.map(\.failed), each, "Calls that got no port.")
        v.derived(
            "search_us", points.map(\.search), each, "Microseconds of long port searches, or 0.")
    }
}

extension RunReport.ScopeSeries: FieldGroup {
    package static let blanks = PortScope.blanks.map {
        RunReport.ScopeSeries(scope: $0, series: TimeSeries())
    }
    package var definition: String { "series" }
    package var what: String {
        scope.tuple == nil ? "How a pool stood that bind() chooses from." : "How a tuple stood."
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        scope.fields(&v)
        series.fields(&v)
    }
}

/// One object with all that the recordings say, a host each: a report as JSON, which is only written.
struct ReportDocument: FieldGroup {
    var hosts: [RunReport]

    static let blanks = [ReportDocument(hosts: [])]
    var definition: String { "report" }
    var what: String { "A report of one run, or of several hosts of one load test." }

    mutating func fields(_ v: inout some FieldVisitor) {
        v.derived("event", "report", .text("report"), "The kind of this object.")
        let format = Event.Start.currentFormat
        v.derived("format", format, .integer(format, to: format), "Which fields there are.")
        v.field("hosts", &hosts, .objects(least: 1), "One for each recording, in their order.")
    }
}

extension SchemaPrinter {
    /// `schema/report.schema.json`
    package static var report: String {
        schema(of: ReportDocument(hosts: []), title: "portgauge report")
    }
}
