import PortModel

extension Summary.TupleRow: FieldGroup {
    package static let blanks = [
        Summary.TupleRow(
            tuple: .blank, range: .blank, usage: PortUsage(usable: 0),
            peak: TupleState.Peak(usage: PortUsage(usable: 0), time: 0))
    ]
    package var definition: String { "tuple" }
    package var what: String { "One tuple, from the start to the end." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        tuple.fields(&v)
        usage.fields(&v, held: "Ports it holds at the end, those in TIME_WAIT included.")
        v.field("range", &range, Ends(), "Range of its sockets: the lowest and the highest port.")
        peakFields(&v)
        totals.fields(&v)
        v.field("held_by", &heldBy, .states, unless: [:], Failure.heldByText)
        v.field("errors", &errors, .errors, "Connects with a port but no connection.")
        v.field("causes", &causes, .causes, Callers.Share.causesText)
        v.optional(
            "first_failure_at", &firstFailureAt, .time,
            "When the first of `failed` failed: \(Time.look) Absent when none did.")
        v.field("names", &names, .objects(), unless: [], Callers.NameShare.listText)
        v.field("processes", &processes, .objects(), Callers.Share.listText)
    }

    private mutating func peakFields(_ v: inout some FieldVisitor) {
        v.field("peak", &peak.usage.held, .count, "The most ports it held at any time.")
        var time = peak.held > 0 ? peak.time : nil
        v.optional("peak_at", &time, .time, "When it first did: \(Time.look) Absent when never.")
        var atPeak = AtPeak(usage: peak.usage)
        v.field("at_peak", &atPeak, .object(), "How the tuple stood then.")
        guard v.reads else { return }
        let held = peak.held
        peak = TupleState.Peak(usage: atPeak.usage, time: time ?? 0)
        peak.usage.held = held
        // What is available was read as if nothing were held.
        peak.usage.outsidePool = max(0, atPeak.usage.outsidePool + held)
    }

    private struct AtPeak: FieldGroup {
        var usage: PortUsage

        static let blanks = [AtPeak(usage: PortUsage(usable: 0))]
        var definition: String { "at_peak" }
        var what: String { "How the tuple stood when it first held `peak` ports." }

        mutating func fields(_ v: inout some FieldVisitor) { usage.waiting(&v, of: "peak") }
    }
}

extension Summary.BindPoolRow: FieldGroup {
    package static let blanks = [Summary.BindPoolRow(.blank)]
    package var definition: String { "pool" }

    package var what: String {
        "The ports of one local address that bind() chose from, from the start to the end."
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        key.fields(&v)
        v.field("held", &used, .count, PortUsage.poolHeldText)
        v.field("usable", &usable, .count, PortUsage.poolUsableText)
        v.field("peak", &peak, .count, "The most ports that were held at the end of any second.")
        v.field("failed", &failed, .count, "bind() calls that found no port.")
        v.field("names", &names, .objects(), unless: [], Callers.NameShare.listText)
        v.field("processes", &processes, .objects(), Callers.Share.listText)
    }
}

extension Callers.Share: FieldGroup {
    package static let blanks = [Callers.Share(process: .unknown, opened: 0, failed: 0)]
    package var definition: String { "share" }
    package var what: String { "A process, and its calls." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        process.fields(&v)
        v.field("opened", &opened, .count, "Calls that got a port.")
        v.field("failed", &failed, .count, "Calls that got none.")
        v.field("causes", &causes, .causes, Self.causesText)
    }

    fileprivate static var causesText: String {
        "What `failed` failed for, as far as it has been reported."
    }

    fileprivate static var listText: String {
        "At most 16, most calls first. Each has all its calls, or is absent."
    }
}

extension Callers.NameShare: FieldGroup {
    package static let blanks = [Callers.NameShare(name: nil)]
    package var definition: String { "name_share" }
    package var what: String { "All processes of one name, and their calls." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.optional(
            "comm", &name, ProcessName(least: 0),
            "Their name, as `comm` of a process. Absent of the row for all names beyond 64.")
        v.field("processes", &processes, .integer(1), "How many there were. " + Self.moreText)
        v.field("opened", &opened, .count, "Calls that got a port.")
        v.field("failed", &failed, .count, "Calls that got none.")
        v.field("causes", &causes, .causes, Callers.Share.causesText)
    }

    static var moreText: String { "1001 stands for more than 1,000." }

    fileprivate static var listText: String {
        "By name, most calls first; all names beyond 64 last. Absent if none, or not known."
    }
}

extension FailedCall.Count: FieldGroup {
    package static let blanks = Failure.blanks.map { FailedCall.Count($0.call, count: 0) }
    package var definition: String { "refused" }

    package var what: String {
        call.kind == .connect
            ? "What connects of one name to one peer failed for, without a search for a port."
            : "What binds of one name to one address failed for."
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        call.kindField(&v)
        call.causeField(&v)
        call.scope.fieldsOfKind(&v, local: FailedCall.localText)
        // Of a connect() that the schema does not know of, it is written all the same.
        if call.kind == .bind || v.reads || call.localPort != 0 { call.portField(&v) }
        call.process.fieldsIfKnown(&v)
        v.field("count", &count, .integer(1), "How many.")
        v.field(
            "processes", &processes, .integer(2), unless: 1,
            "Distinct processes of that name, `pid` the last. Absent if 1. "
                + Callers.NameShare.moreText)
    }
}
