import PortModel

extension Alert {
    static let blanks = PortScope.blanks.map {
        Alert(level: 0, time: 0, scope: $0, usage: PortUsage(usable: 0))
    }

    var what: String {
        let subject = scope.tuple == nil ? "A pool that bind() chooses from" : "A tuple"
        return subject + " has crossed a threshold, or has recovered."
    }

    mutating func fields(_ v: inout some FieldVisitor) {
        v.field(
            "level", &level, .integer(to: 100),
            "The threshold crossed, in percent of `usable`; 0: recovered, which is below nine tenths "
                + "of the lowest threshold.")
        v.derived(
            "percent", percent, .tenths(to: 100),
            "100 × (`usable` - `available`) ÷ `usable`, rounded down.")
        scope.fields(&v)
        guard scope.tuple != nil else { return usage.poolFields(&v) }
        usage.fields(&v)
        v.forecast(&forecast, usable: usage.usable)
        var search = longSearch.map { UInt64($0) }
        v.optional(
            "long_search_us", &search, .microseconds,
            "Microseconds that the kernel searched for a port, on average of the searches of this "
                + "tuple that took 100 or more, or that failed. Absent while there was none.")
        if v.reads { longSearch = search.map { Double($0) } }
    }
}

extension FieldVisitor {
    /// - Parameter usable: ports.
    mutating func forecast(_ forecast: inout Forecast?, usable: Int) {
        optional(
            "forecast", &forecast, .object(),
            "What becomes of the tuple if the load stays as it is. Absent while nothing threatens.")
        if reads { forecast?.usable = usable }
    }
}

extension Forecast: FieldGroup {
    package static let blanks = [Forecast(usable: 0)]
    package var definition: String { "forecast" }
    package var what: String { "What becomes of the tuple if the load stays as it is." }

    /// What is not known or not foreseen is absent.
    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("rate", &opensPerSecond, .tenths(), "Connections opened a second.")
        v.field(
            "net_rate", &netPerSecond, .tenths(nil),
            "Ports taken a second less those given back, over the next ten seconds.")
        v.optional(
            "exhausted_in_s", &exhaustedIn, .tenths(),
            "Seconds to exhaustion. Absent if not foreseen.")
        v.optional(
            "levels_off_at", &levelsOffAt, .count,
            "Ports that it will hold when TIME_WAITs come back as fast as they begin. Absent when "
                + "that is not foreseen.")
        v.optional(
            "sustainable_rate", &sustainable, .tenths(),
            "Connections a second that the tuple can sustain; absent while none was closed.")
        v.optional(
            "into_time_wait", &intoTimeWait, .tenths(to: 1),
            "Of those that are closed, the part whose port goes into TIME_WAIT, 0 to 1; absent while "
                + "none was closed.")
    }
}
