import PortModel

extension TextBuffer {
    /// `full in 14 s at 1,012 ports/s; sustainable: 470/s` (the latter if less than what is opened),
    /// `levels off at 12,400 of 28,232`, or nothing.
    mutating func append(_ forecast: Forecast) {
        guard let seconds = forecast.exhaustedIn else {
            guard let level = forecast.levelsOffAt else { return }
            append("levels off at ")
            append(grouped: level)
            append(" of ")
            append(grouped: forecast.usable)
            return
        }
        if seconds == 0 {
            append("full")
        } else {
            append("full in ")
            append(roughly: seconds)
            // Slower than a port in a second, the time says more than the rate.
            if forecast.netPerSecond >= 1 {
                append(" at ")
                append(rate: forecast.netPerSecond)
                append(" ports/s")
            }
        }
        if let sustainable = forecast.sustainable, sustainable < forecast.opensPerSecond {
            append("; sustainable: ")
            append(rate: sustainable)
            append("/s")
        }
    }

    /// As exact as a forecast can be: `0.3 s`, `14 s`, `3 min`, `5 h`.
    mutating func append(roughly seconds: Double) {
        switch seconds {
        case ..<9.95:
            append(tenths: max(0.1, seconds))
            append(" s")
        case ..<119.5:
            append(Int(seconds.rounded()))
            append(" s")
        case ..<(119.5 * 60):
            append(Int((seconds / 60).rounded()))
            append(" min")
        default:
            append(grouped: Int((min(seconds, 1e15) / 3600).rounded()))
            append(" h")
        }
    }

    /// Whole, but for small ones.
    mutating func append(rate: Double) {
        if rate < 9.95 {
            append(tenths: rate)
        } else {
            append(grouped: Int(min(rate, 1e15).rounded()))
        }
    }
}

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
