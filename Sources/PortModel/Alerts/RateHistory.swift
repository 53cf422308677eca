/// The last minute of one tuple's ports, by the second: a forecast is made from it.
///
/// It is 32 bytes, and 288 more from the first step on: for tuples for which it `isWorthwhile`.
struct RateHistory: Sendable {
    /// One ring for each series; empty before the first step. A second counts to 65,535.
    private var counts: [UInt16] = []
    /// When the newest second ended.
    private(set) var last: UInt64 = 0
    /// The first opening after a second without: when, and in which second.
    private(set) var runSince: UInt64 = 0
    private var runSecond: UInt32 = 0
    /// The number of the newest second, from 1.
    private var newest: UInt32 = 0

    /// Bursts some seconds apart must be among them several times.
    static let openedSeconds = 32
    static let timeWaitSeconds = 64
    static let second: UInt64 = 1_000_000_000

    /// Counts of what happened to the ports of a tuple for a while.
    struct Step: Hashable, Sendable {
        /// Connects that got a port.
        let opened: Int
        /// TIME_WAITs that began.
        let timeWaits: Int
        /// Connections closed without one, so that their ports were free at once.
        let freed: Int
        /// When the first of all these happened; in CLOCK_MONOTONIC nanoseconds, like all times.
        let since: UInt64
        /// When the step ends.
        var until: UInt64

        init(
            opened: Int = 0, timeWaits: Int = 0, freed: Int = 0, since: UInt64 = .max, until: UInt64
        ) {
            self.opened = max(0, opened)
            self.timeWaits = max(0, timeWaits)
            self.freed = max(0, freed)
            self.since = min(since, until)
            self.until = until
        }

        /// - Parameter totals: by how much those of a tuple have grown.
        init(_ totals: TupleState.Totals, since: UInt64, until: UInt64) {
            self.init(
                opened: totals.opened, timeWaits: totals.closedFirst,
                freed: max(0, totals.closed - totals.closedFirst), since: since, until: until)
        }
    }

    enum Series { case opened, freed, timeWaits }

    /// False below a sixty-fourth of the usable ports: what a tuple did before need not be known.
    static func isWorthwhile(held: Int, usable: Int) -> Bool { held * 64 >= usable }

    /// Adds a step of one second, or of more if the tracer was stopped; empty ones may be left out.
    mutating func secondPassed(_ step: Step) {
        let passed: Int
        if counts.isEmpty {
            counts = Array(repeating: 0, count: 2 * Self.openedSeconds + Self.timeWaitSeconds)
            passed = 1
        } else {
            guard step.until > last else { return }
            passed = Self.seconds(from: last, to: step.until)
        }
        let followsQuiet = self[.opened, 0] == 0 || step.since >= last &+ Self.second
        if passed > 0 { last = step.until }
        for _ in 0..<min(passed, Self.timeWaitSeconds) {
            newest += 1
            for series in [.opened, .freed, .timeWaits] as [Series] {
                counts[place(of: series, 0)] = 0
            }
        }
        let span = min(max(1, Self.seconds(from: step.since, to: step.until)), max(1, passed))
        add(step.opened, to: .opened, over: span)
        add(step.freed, to: .freed, over: span)
        add(step.timeWaits, to: .timeWaits, over: span)
        if followsQuiet, step.opened > 0 {
            runSince = step.since
            runSecond = newest - UInt32(min(span, Self.timeWaitSeconds)) + 1
        }
    }

    /// The count of the second that ended `age` seconds before the newest one did.
    subscript(series: Series, age: Int) -> Int { Int(counts[place(of: series, age)]) }

    /// Seconds of openings that are known.
    var known: Int { min(Int(newest), Self.openedSeconds) }
    /// Seconds since the first step began.
    var age: Int { Int(newest) }
    /// The age of the second in which the newest run of openings began.
    var runAge: Int { Int(newest - runSecond) }

    private func place(of series: Series, _ age: Int) -> Int {
        let ring = Int(newest) &- age
        switch series {
        case .opened: return ring & (Self.openedSeconds - 1)
        case .freed: return Self.openedSeconds + ring & (Self.openedSeconds - 1)
        case .timeWaits: return 2 * Self.openedSeconds + ring & (Self.timeWaitSeconds - 1)
        }
    }

    private mutating func add(_ count: Int, to series: Series, over span: Int) {
        guard count > 0 else { return }
        let length = series == .timeWaits ? Self.timeWaitSeconds : Self.openedSeconds
        for age in 0..<min(span, length) {
            let share = count * (age + 1) / span - count * age / span
            let place = place(of: series, age)
            counts[place] = UInt16(clamping: Int(counts[place]) + share)
        }
    }

    /// To the nearest whole one.
    private static func seconds(from start: UInt64, to end: UInt64) -> Int {
        Int((end - start + second / 2) / second)
    }
}
