import PortModel

extension Tick: FieldList {
    static let blank = Tick(.blank, PortUsage(usable: 0))

    package mutating func fields(_ v: inout some FieldVisitor) {
        tuple.fields(&v)
        usage.fields(&v, held: "Ports that the tuple holds now, those in TIME_WAIT included.")
        v.field(
            "opened", &since.opened, .integer(nil),
            "Connects that got a port; below 0 where a slow search of an earlier second failed.")
        v.field("closed", &since.closed, .count, "Sockets closed in this second.")
        v.field("failed", &since.failed, .count, "Connects in this second that got no port.")
        v.optional(
            "search_us", &search, .microseconds,
            "Mean microseconds of searches that took 100 or more, or failed. Absent if none.")
        v.forecast(&forecast, usable: usage.usable)
    }
}
