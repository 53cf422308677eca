/// The pace of a tuple now.
///
/// It is taken over all seconds since the load last changed, 32 at most, so that bursts do not make
/// it jump; of a load that comes in bursts, over whole periods only. What has just begun has but its
/// first moments.
struct RateEstimate {
    /// Connects a second that got a port, TIME_WAITs that began, ports that were free at once.
    private(set) var opened = 0.0
    private(set) var timeWaits = 0.0
    private(set) var freed = 0.0
    /// Connects that the rates are taken from.
    private(set) var samples = 0
    /// Ports that a burst has taken earlier than a load that opens evenly would have.
    private(set) var ahead = 0.0

    /// Seconds without anything since the newest of the history's.
    private let quiet: Int
    private let history: RateHistory
    private let now: RateHistory.Step

    /// - Parameter now: what happened since the history's last step.
    init(of history: RateHistory, with now: RateHistory.Step) {
        self.history = history
        self.now = now
        quiet =
            history.known > 0 && now.since > history.last
            ? Int((now.since - history.last) / RateHistory.second) : 0
        let window = steadyWindow(of: [.opened], within: known)
        measure(window)
        // Closes may have begun, or become others, when the connects had long been the same.
        let closesWindow = steadyWindow(of: [.timeWaits, .freed], within: window)
        guard closesWindow < window else { return }
        var closes = self
        closes.measure(closesWindow)
        let scale = closes.opened > 0 ? opened / closes.opened : 1
        timeWaits = closes.timeWaits * scale
        freed = closes.freed * scale
    }

    private mutating func measure(_ window: Int) {
        if window == 0 || now.opened > 2 * highest(of: window) + 8 {
            take(0..<0, with: true, over: now.until - now.since)
        } else if !takePeriods(of: window) {
            takeSeconds(of: window)
        }
    }

    // MARK: Where the load last changed

    private var known: Int { min(history.known + quiet, RateHistory.openedSeconds) }

    private func count(_ series: RateHistory.Series, _ age: Int) -> Int {
        // The ring holds no more, and seconds that are too old do not matter.
        age < quiet || age - quiet >= history.known ? 0 : history[series, age - quiet]
    }

    private func sum(_ series: RateHistory.Series, _ ages: Range<Int>) -> Int {
        ages.reduce(0) { $0 + count(series, $1) }
    }

    /// The number of the newest seconds that are of one load.
    private func steadyWindow(of series: [RateHistory.Series], within known: Int) -> Int {
        var length = known
        while length > 1, let change = clearestChange(in: series, within: length) {
            length = change
        }
        return length
    }

    /// The age at which any of `series` differs most from what it was before, if by a quarter at
    /// least and more than chance and bursts explain: by four standard deviations.
    private func clearestChange(in series: [RateHistory.Series], within length: Int) -> Int? {
        var clearest = 16.0
        var change: Int?
        var values = InlineArray<32, Double>(repeating: 0)
        for series in series {
            var total = 0.0
            var squares = 0.0
            for age in 0..<length {
                let value = Double(count(series, age))
                values[age] = value
                total += value
                squares += value * value
            }
            guard total > 0 else { continue }
            var newer = 0.0
            for age in 1..<length {
                newer += values[age - 1]
                let (n, m) = (Double(age), Double(length - age))
                let (new, old) = (newer / n, (total - newer) / m)
                // A pause of a second or two is none.
                guard abs(new - old) > max(new, old) / 4, new > old || age > 2 else { continue }
                let within = squares - new * new * n - old * old * m
                let variance = max(total / (n + m), length > 2 ? within / (n + m - 2) : 0)
                // Squared.
                let deviations = (new - old) * (new - old) / (variance * (1 / n + 1 / m))
                if deviations > clearest {
                    clearest = deviations
                    change = age
                }
            }
        }
        return change
    }

    // MARK: Rates

    /// The run of openings that begins the window has begun within its oldest second.
    private func runBegins(_ window: Int) -> Bool { history.runAge + quiet == window - 1 }

    private var end: UInt64 { history.last + UInt64(quiet) * RateHistory.second }

    /// The share of the window's oldest second in which there was a load.
    private func firstShare(_ window: Int) -> Double {
        guard runBegins(window) else { return 1 }
        let age = Double(window - 1)
        let run = Double(end &- min(end, history.runSince)) / 1e9 - age
        return min(1, max(1e-6, run))
    }

    private func highest(of window: Int) -> Int {
        let first = Double(count(.opened, window - 1)) / firstShare(window)
        return (0..<window - 1).reduce(Int(first)) { max($0, count(.opened, $1)) }
    }

    /// The rates in some of the seconds, and with what happened since.
    private mutating func take(_ ages: Range<Int>, with recent: Bool, over time: UInt64) {
        let seconds = Double(max(time, 1000)) / 1e9
        samples = sum(.opened, ages) + (recent ? now.opened : 0)
        opened = Double(samples) / seconds
        timeWaits = Double(sum(.timeWaits, ages) + (recent ? now.timeWaits : 0)) / seconds
        freed = Double(sum(.freed, ages) + (recent ? now.freed : 0)) / seconds
        // The time begins with the first connect: n of them are n - 1 intervals.
        let firstAge = ages.upperBound
        let sinceFirst =
            ages.isEmpty ? recent : runBegins(firstAge) && time % RateHistory.second != 0
        if sinceFirst, samples > 1 { opened *= Double(samples - 1) / Double(samples) }
    }

    private mutating func takeSeconds(of window: Int) {
        let share = firstShare(window)
        let hasGaps = (0..<window).contains { count(.opened, $0) == 0 }
        guard share == 1 || !hasGaps, window > 1 || share == 1 else {
            return take(0..<window, with: true, over: now.until - min(now.until, history.runSince))
        }
        let full = share == 1 ? window : window - 1
        take(0..<full, with: false, over: UInt64(full) * RateHistory.second)
        let elapsed = now.until - end
        if full < 4 {
            // So few seconds are no good measure: a part of one helps, if it is not half a burst.
            let rate = opened
            let takesFirst = full < window && fits(count(.opened, full), rate, for: share)
            let takesNow = fits(now.opened, rate, for: Double(elapsed) / 1e9)
            let start =
                takesFirst ? min(history.runSince, end) : end &- UInt64(full) * RateHistory.second
            take(
                0..<(takesFirst ? window : full), with: takesNow,
                over: (takesNow ? now.until : end) &- start)
            if takesNow { return }
        }
        ahead = Double(now.opened - now.freed) - (opened - freed) * Double(elapsed) / 1e9
    }

    private func fits(_ count: Int, _ rate: Double, for time: Double) -> Bool {
        let expected = rate * time
        return abs(Double(count) - expected) <= 3 * (expected + 1).squareRoot() + rate / 20
    }

    /// The rates from the first beginning of a burst to the last; false if the load does not come in
    /// bursts with quiet seconds between them.
    private mutating func takePeriods(of window: Int) -> Bool {
        guard (0..<window).count(where: { count(.opened, $0) == 0 }) * 3 >= window else {
            return false
        }
        var starts = 0
        var first = 0
        var last: Int?
        var largest = 0
        var burst = 0
        for age in (0..<window).reversed() {
            let value = count(.opened, age)
            burst += value
            guard value > 0, age + 1 < known, count(.opened, age + 1) == 0 else { continue }
            starts += 1
            if last == nil { first = age } else { largest = max(largest, burst - value) }
            burst = value
            last = age
        }
        // -1: since the last step.
        if now.opened > 0, count(.opened, 0) == 0 {
            starts += 1
            largest = max(largest, burst)
            burst = 0
            last = -1
        }
        guard starts > 1, let last else { return false }
        burst += now.opened
        guard burst * 2 <= largest * 3 + 8 else {
            // More than a burst: the load goes on.
            takeSeconds(of: max(1, last + 1))
            return true
        }
        take(last + 1..<first + 1, with: false, over: UInt64(first - last) * RateHistory.second)
        let elapsed = Double(now.until - end) / 1e9 + Double(last + 1)
        let taken = sum(.opened, 0..<last + 1) + now.opened
        let freed = sum(.freed, 0..<last + 1) + now.freed
        let period = Double(first - last) / Double(starts - 1)
        // Half a burst less: the last one fails anywhere between its beginning and its end.
        ahead = Double(taken - freed) - (opened - self.freed) * (elapsed + period / 2)
        return true
    }
}
