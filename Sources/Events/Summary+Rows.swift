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
        v.field("causes", &causes, .causes, TopProcesses.Share.causesText)
        v.optional(
            "first_failure_at", &firstFailureAt, .time,
            "When the first of `failed` failed: \(Time.look) Absent when none did.")
        v.field("processes", &processes, .objects(), "Those with the most connects, at most 16.")
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
        v.field("processes", &processes, .objects(), "Those with most of these calls, at most 16.")
    }
}

extension TopProcesses.Share: FieldGroup {
    package static let blanks = [TopProcesses.Share(process: .unknown, opened: 0, failed: 0)]
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
}

extension FailedCall.Count: FieldGroup {
    package static let blanks = Failure.blanks.map { FailedCall.Count($0.call, count: 0) }
    package var definition: String { "refused" }

    package var what: String {
        call.kind == .connect
            ? "What a process's connects to one peer failed for, without a search for a port."
            : "What a process's binds to one address failed for."
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        call.kindField(&v)
        call.causeField(&v)
        call.scope.fieldsOfKind(&v, local: FailedCall.localText)
        // Of a connect() that the schema does not know of, it is written all the same.
        if call.kind == .bind || v.reads || call.localPort != 0 { call.portField(&v) }
        call.process.fieldsIfKnown(&v)
        v.field("count", &count, .integer(1), "How many.")
    }
}
