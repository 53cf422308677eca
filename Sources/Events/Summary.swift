import PortModel

extension Summary: FieldList {
    static let blank = Summary(duration: 0, accuracy: Accuracy(), linesDropped: 0)

    /// All that any report of the run shows, so that one can be made from it.
    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("duration_s", &duration, .seconds, "Seconds since `start`, with three decimals.")
        totals.fields(&v)
        v.field("want_of_port", &portExhaustion, .object(), "Calls that found no free port.")
        v.field("otherwise", &otherErrors, .object(), "Calls that failed for another reason.")
        accuracy.fields(&v)
        v.field("lines_dropped", &linesDropped, .count, "Output lines that a slow reader missed.")
        v.field(
            "others", &others, .count, unless: 0,
            "How many of `held` are of processes that the filter does not choose. Absent if none.")
        v.field(
            "partial", &isPartial, .flag, unless: false,
            "Only if true: only some processes' connections were counted, others held ports, too.")
        v.field("held", &held, .count, "Ports held at the end, those in TIME_WAIT included.")
        v.field("time_wait", &timeWait, .count, "How many of `held` are in TIME_WAIT.")
        v.field("tuples_omitted", &tuplesOmitted, .count, "Tuples seen but not in `tuples`.")
        v.field("namespaces", &namespaces, .objects(), "Those with connections that still exist.")
        v.field(
            "bind_pools", &bindPools, .objects(), "Pools of bind(), by failures, then by share.")
        v.field(
            "refused", &refusals, .objects(),
            "Not in `failed`: binds, and connects without a search. At most 1,000, by count.")
        v.field("tuples", &tuples, .objects(), "Most of the usable ports at the peak first.")
        v.field("advice", &advice, .objects(), "What would have helped, most useful first.")
    }
}

extension TupleState.Totals {
    mutating func fields(_ v: inout some FieldVisitor) {
        v.field("opened", &opened, .count, "Connects that got a port, those refused included.")
        v.field("closed", &closed, .count, "Sockets closed.")
        v.field(
            "closed_first", &closedFirst, .count, "Those this end closed first, into TIME_WAIT.")
        v.field("failed", &failed, .count, "Connects that got no port.")
    }
}

extension Calls: FieldGroup {
    package static let blanks = [Calls()]
    package var definition: String { "calls" }
    package var what: String { "Calls by their kind." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("connects", &connects, .count, "Calls of connect().")
        v.field("binds", &binds, .count, "Calls of bind().")
    }
}

extension Accuracy {
    mutating func fields(_ v: inout some FieldVisitor) {
        v.field("lost", &lost, .integer(), "Records that the full ring buffer lost.")
        v.field("skipped", &skipped, .integer(), "Runs on transitions that the kernel skipped.")
        v.field("slipped", &slipped, .integer(), "How many of these no copy may have taken over.")
        v.field("audits", &audits, .count, "Checks of the counts against the kernel's table.")
        v.field("largest_drift", &largestDrift, .count, "The most ports by which they differed.")
        v.field("last_drift", &lastDrift, .count, "The same at the end, then corrected.")
        v.field(
            "uncertain", &uncertain, .count, unless: 0,
            "Sockets not counted at the end, as nothing tells who connected. Absent if none.")
        v.field("repairs", &repairs, .count, "How often that table refilled the counts.")
        v.derived(
            "complete", isComplete, .flag,
            "Nothing lost or slipped. If false, `closed` and the tuples' totals are lower bounds.")
    }
}
