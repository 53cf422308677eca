import PortModel

extension JSONWriter {
    /// What is not known or not foreseen is absent.
    func write(_ forecast: Forecast, _ line: inout TextBuffer) {
        line.name("forecast")
        line.append("{")
        line.name("rate", first: true)
        line.append(tenths: forecast.opensPerSecond)
        line.field("net_rate", tenths: forecast.netPerSecond)
        if let seconds = forecast.exhaustedIn { line.field("exhausted_in_s", tenths: seconds) }
        if let level = forecast.levelsOffAt { line.field("levels_off_at", level) }
        if let rate = forecast.sustainable { line.field("sustainable_rate", tenths: rate) }
        if let share = forecast.intoTimeWait { line.field("into_time_wait", tenths: share) }
        line.append("}")
    }
}
