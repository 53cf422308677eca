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
            "Threshold crossed, in percent of `usable`; 0: recovered, below 0.9 × the lowest.")
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
            "Mean microseconds of searches that took 100 or more, or failed. Absent if none.")
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

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("rate", &opensPerSecond, .tenths(), "Connections opened a second.")
        v.field(
            "net_rate", &netPerSecond, .tenths(nil),
            "Ports taken a second less those given back, over the next ten seconds.")
        v.optional("exhausted_in_s", &exhaustedIn, .tenths(), "Seconds. Absent if not foreseen.")
        v.optional(
            "levels_off_at", &levelsOffAt, .count,
            "Ports held once TIME_WAITs end as fast as they begin. Absent if not foreseen.")
        v.optional(
            "sustainable_rate", &sustainable, .tenths(),
            "Connections a second that the tuple can sustain. Absent while none was closed.")
        v.optional(
            "into_time_wait", &intoTimeWait, .tenths(to: 1),
            "Part of the closed ones that enters TIME_WAIT, 0 to 1. Absent while none was closed.")
    }
}
