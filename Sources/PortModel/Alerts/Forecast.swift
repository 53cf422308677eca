/// The future of a tuple's ports if all goes on as it does now.
package struct Forecast: Sendable, Hashable {
    /// Connects a second that get a port.
    package var opensPerSecond = 0.0
    /// Ports by which the tuple has more to hold each second, over the next 10 s.
    package var netPerSecond = 0.0
    /// Seconds until no port is left; 0 if none is, nil if it does not come to that within a day.
    package var exhaustedIn: Double?
    /// Ports held when it no longer rises or falls; nil if it is exhausted before, or if it falls.
    package var levelsOffAt: Int?
    package var usable: Int
    /// Connects a second that the ports sustain for ever; nil while none has been closed.
    package var sustainable: Double?
    /// The share of the closed connections that went into TIME_WAIT here, from 0 to 1; nil likewise.
    package var intoTimeWait: Double?
}

extension Forecast {
    /// The forecast for `usable` ports that nobody asks for.
    package init(usable: Int) { self.init(opensPerSecond: 0, usable: usable) }
}

extension RateHistory {
    /// - Parameters:
    ///   - ports: as they are at the end of `now`.
    ///   - timeWaitCost: nanoseconds for which a TIME_WAIT takes its port: 60 s, or the delay of
    ///     tcp_tw_reuse if that is less.
    ///   - now: what happened since the last step.
    /// - Returns: nil while there is too little to say, or nothing is opened.
    func forecast(
        _ ports: PortUsage, timeWaitCost: UInt64 = TimeWaitRules.length, with now: Step
    ) -> Forecast? {
        // A record may be read after the second in which it was made was taken down.
        var now = now
        now.until = max(now.until, last)
        let rates = RateEstimate(of: self, with: now)
        guard rates.samples >= Self.fewest, rates.opened > 0 else { return nil }
        let alive = Double(max(0, ports.usable - ports.available - ports.waiting))
        let cost = Double(min(timeWaitCost, TimeWaitRules.length)) / 1e9
        let closed = rates.timeWaits + rates.freed
        let share = closed > 0 ? rates.timeWaits / closed : nil
        var growth = rates.opened - closed
        var freed = rates.freed
        let samples = Double(rates.samples)
        let time = samples / rates.opened
        let isGrowing =
            growth * time > samples / 16 + 2 * alive.squareRoot() && alive * 4 > closed * time
        if let share, !isGrowing {
            // As many are closed as are opened, give or take those on their way.
            growth = 0
            freed = rates.opened * (1 - share)
        }
        let outlook = Outlook(
            ports, ahead: rates.ahead, taken: rates.opened - freed, growth: growth,
            reuse: ReuseSchedule(of: self, waiting: ports.waiting, cost: cost, now))
        var sustainable: Double?
        if let share {
            let takes = alive / closed + cost * share
            if takes > 0 { sustainable = Double(max(0, ports.usable)) / takes }
        }
        return Forecast(
            opensPerSecond: rates.opened, netPerSecond: outlook.net,
            exhaustedIn: outlook.exhaustedIn, levelsOffAt: outlook.levelsOffAt,
            usable: ports.usable, sustainable: sustainable, intoTimeWait: share)
    }

    /// Fewer connects make no rate.
    private static let fewest = 8
}

/// When the ports in TIME_WAIT come back.
private struct ReuseSchedule {
    private let history: RateHistory
    private let recent: Int
    /// Seconds since the history's last step.
    private let elapsed: Double
    /// Seconds for which a TIME_WAIT takes its port.
    let cost: Double
    /// The share of those that began that is not over yet.
    private var share = 1.0
    /// TIME_WAITs of unknown age, and until when they are over.
    private var unknown = 0.0
    private var unknownEnd = 0.0

    init(of history: RateHistory, waiting: Int, cost: Double, _ now: RateHistory.Step) {
        self.history = history
        recent = now.timeWaits
        elapsed = Double(now.until - (history.age > 0 ? history.last : now.since)) / 1e9
        self.cost = cost
        let known = begun(from: -elapsed, to: cost - elapsed)
        let waiting = Double(waiting)
        if waiting < known {
            share = waiting / known
        } else {
            unknown = waiting - known
            // They began before the history; or their timers are late, by a sixteenth about.
            unknownEnd = max(cost / 16, cost - Double(history.age) - elapsed)
        }
    }

    /// Ports that come back from one moment to another, in seconds from now, at most `cost`.
    func between(_ start: Double, _ end: Double) -> Double {
        var sum = begun(from: cost - elapsed - end, to: cost - elapsed - start) * share
        if start < unknownEnd { sum += unknown * (min(end, unknownEnd) - start) / unknownEnd }
        return sum
    }

    /// TIME_WAITs that began so many seconds before the history's last step.
    private func begun(from newest: Double, to oldest: Double) -> Double {
        var sum = 0.0
        if newest < 0, elapsed > 0 { sum = Double(recent) * (min(oldest, 0) - newest) / elapsed }
        guard oldest > 0 else { return sum }
        let known = min(history.age, RateHistory.timeWaitSeconds)
        for age in Int(max(newest, 0))..<max(Int(max(newest, 0)), min(known, Int(oldest) + 1)) {
            let covered = min(oldest, Double(age + 1)) - max(newest, Double(age))
            if covered > 0 { sum += Double(history[.timeWaits, age]) * covered }
        }
        return sum
    }
}

/// The ports that are available from now on.
private struct Outlook {
    private(set) var exhaustedIn: Double?
    private(set) var levelsOffAt: Int?
    /// Ports a second, over the next 10 s.
    private(set) var net = 0.0

    private static let day = 86_400.0

    /// - Parameters:
    ///   - taken: ports that are opened a second, less those that are free at once.
    ///   - growth: how many more are opened than closed.
    init(_ ports: PortUsage, ahead: Double, taken: Double, growth: Double, reuse: ReuseSchedule) {
        let start = Double(ports.available) + ahead
        var available = start
        var time = 0.0
        let cost = reuse.cost
        if ports.available <= 0 || start <= 0 { exhaustedIn = 0 }
        var later: Double?
        // A second is too long where all TIME_WAITs come back within one.
        let step = min(1, cost / 32)
        while time < cost {
            let end = min(time + step, cost)
            let next = available - taken * (end - time) + reuse.between(time, end)
            if next <= 0, exhaustedIn == nil {
                exhaustedIn = time + (end - time) * available / (available - next)
            }
            if time < 10, end >= 10 { later = next }
            available = next
            time = end
        }
        net = (start - (later ?? available - growth * (10 - cost))) / 10
        guard exhaustedIn == nil else { return }
        if growth <= 0 {
            levelsOffAt = max(0, min(ports.usable, ports.usable - Int(available)))
        } else if cost + available / growth < Self.day {
            exhaustedIn = cost + available / growth
        }
    }
}
