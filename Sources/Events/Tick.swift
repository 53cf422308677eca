import PortModel

extension Tick {
    static let blank = Tick(.blank, PortUsage(usable: 0))

    mutating func fields(_ v: inout some FieldVisitor) {
        tuple.fields(&v)
        usage.fields(&v, held: "Ports that the tuple holds now, those in TIME_WAIT included.")
        v.field(
            "opened", &since.opened, .integer(nil),
            "Connects in this second that got a port, those refused included. Less than 0 only where "
                + "a connect() counted in an earlier second, because its search took so long, found "
                + "no port after all.")
        v.field("closed", &since.closed, .count, "Sockets closed in this second.")
        v.field("failed", &since.failed, .count, "Connects in this second that got no port.")
        v.optional(
            "search_us", &search, .microseconds,
            "Microseconds that connect() searched for a port, on average of the searches of this "
                + "second that took 100 or more, or found none. Absent when none did.")
        v.forecast(&forecast, usable: usage.usable)
    }
}
