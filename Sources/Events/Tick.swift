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

extension Event {
    /// How a pool stands that bind() chooses from.
    package struct BindPoolUsage: Sendable {
        package var key: BindPool.Key
        /// Only what is held and what is usable.
        package var usage: PortUsage
        /// bind() calls that found no port, since the start.
        package var failed: Int
        /// Of which only text tells.
        package var processes = Callers()
    }
}

extension Event.BindPoolUsage: FieldList {
    package init(_ pool: BindPool) {
        (key, usage, failed) = (pool.key, pool.usage, pool.failed)
        processes = pool.processes
    }

    static let blank = Self(key: .blank, usage: PortUsage(usable: 0), failed: 0)

    package mutating func fields(_ v: inout some FieldVisitor) {
        key.fields(&v)
        v.field("held", &usage.held, .count, PortUsage.poolHeldText)
        v.field("usable", &usage.usable, .count, PortUsage.poolUsableText)
        v.field("failed", &failed, .count, "bind() calls that found no port, since the start.")
    }
}
