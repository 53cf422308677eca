import PortModel

extension Summary {
    static let blank = Summary(duration: 0, accuracy: Accuracy(), linesDropped: 0)

    /// All that any report of the run shows, so that one can be made from it.
    mutating func fields(_ v: inout some FieldVisitor) {
        v.field(
            "duration_s", &duration, .seconds, "Seconds from `start` to here, with three decimals.")
        totals.fields(&v)
        v.field(
            "want_of_port", &portExhaustion, .object(),
            "Calls that failed because there was no port left to choose.")
        v.field(
            "otherwise", &otherErrors, .object(), "Calls that failed for another reason.")
        accuracy.fields(&v)
        v.field(
            "lines_dropped", &linesDropped, .count,
            "Lines of output left out because the reader was too slow.")
        v.field(
            "partial", &isPartial, .flag, unless: false,
            "Left out unless true: only the connections of some processes were counted (`--only`, "
                + "`--pid`, `--comm`), and others held ports of the same tuples, too.")
        v.field(
            "held", &held, .count, "Ports held at the end, those in TIME_WAIT included.")
        v.field("time_wait", &timeWait, .count, "How many of `held` are in TIME_WAIT.")
        v.field(
            "tuples_omitted", &tuplesOmitted, .count,
            "Tuples that were seen but are not in `tuples`.")
        v.field(
            "namespaces", &namespaces, .objects(),
            "The network namespaces with connections that were there at the end.")
        v.field(
            "bind_pools", &bindPools, .objects(),
            "The pools that bind() chose ports from, the ones with failures first, then the fullest."
        )
        v.field(
            "refused", &refusals, .objects(),
            "Calls that are not in `failed`: each bind() that failed, and each connect() that did not "
                + "come as far as to search a port. At most 1,000, by count.")
        v.field(
            "tuples", &tuples, .objects(),
            "The tuples by peak share (peak ÷ usable), in descending order.")
        v.field(
            "advice", &advice, .objects(),
            "What would have kept ports from running out, most useful first; nothing where nothing "
                + "was wrong.")
    }
}

extension TupleState.Totals {
    mutating func fields(_ v: inout some FieldVisitor) {
        v.field(
            "opened", &opened, .count, "Connects that got a port, those refused included.")
        v.field("closed", &closed, .count, "Sockets closed.")
        v.field(
            "closed_first", &closedFirst, .count,
            "How many of `closed` this end closed first, so that their port went into TIME_WAIT.")
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
        v.field(
            "lost", &lost, .integer(),
            "Records lost since the start because the ring buffer was full.")
        v.field(
            "skipped", &skipped, .integer(),
            "Runs of the program on state transitions that the kernel skipped; a copy of the program "
                + "takes those over.")
        v.field(
            "slipped", &slipped, .integer(), "How many of these no copy may have taken over.")
        v.field(
            "audits", &audits, .count,
            "How often the counts were checked against the kernel's table.")
        v.field(
            "largest_drift", &largestDrift, .count, "Ports by which they differed, at most.")
        v.field(
            "last_drift", &lastDrift, .count,
            "Ports by which they differed at the end, before they were corrected.")
        v.field(
            "repairs", &repairs, .count,
            "How often the counts were filled anew from the kernel's table.")
        v.derived(
            "complete", isComplete, .flag,
            "Nothing was lost and nothing slipped. If false, `held` is exact all the same, as are "
                + "`opened` and `failed` here, but `closed`, and what each tuple opened and failed, "
                + "are lower bounds.")
    }
}
