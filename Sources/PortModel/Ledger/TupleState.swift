/// One tuple: the ports it holds now, and its counts since the start.
package struct TupleState: Sendable {
    package let tuple: Tuple
    /// The widest range that was in force for a socket of this tuple, and still is.
    package internal(set) var range: PortRange
    /// The range is narrower than the namespace's: its sockets have set IP_LOCAL_PORT_RANGE.
    var hasOwnRange = false
    /// The namespace's rules, if they allow that TIME_WAITs of this tuple are used again.
    var reuse: TimeWaitRules?
    /// No port of the range is reserved or bind-held.
    var isPlain: Bool { usage.usable == range.count }

    /// A connect() still in search of a port holds none.
    package internal(set) var usage: PortUsage
    package var held: Int { usage.held }
    package var timeWait: Int { usage.timeWait }
    package var usable: Int { usage.usable }

    /// The states of the sockets that hold its ports, when the kernel's table was looked at last.
    package internal(set) var heldBy: [HoldingState: Int] = [:]

    package internal(set) var totals = Totals()
    /// The part of `totals` by processes that the filter does not choose.
    private var totalsOfOthers = Totals()
    /// Connects that got a port but no connection, by errno.
    package internal(set) var errors: [UInt16: Int] = [:]
    /// Connects that got no port, by what `Failures` takes for the cause.
    package internal(set) var causes: [Cause: Int] = [:]
    /// Nanoseconds of the searches for a port that took long, those that failed included.
    package internal(set) var searches = Mean()
    /// Connections that were opened in each second in which any were.
    package internal(set) var rates = Mean()
    /// Nanoseconds that connections lived.
    package internal(set) var lives = Mean()
    /// Bytes that connections carried: a sample.
    package internal(set) var loads = Mean()

    package internal(set) var peak: Peak
    package internal(set) var firstFailureAt: UInt64?
    package internal(set) var processes = Callers()
    /// Those that the filter does not choose, and the causes of their failures as these seem to be.
    package internal(set) var others = Callers()
    private var causesOfOthers: [Cause: Int] = [:]

    /// Sockets of this tuple that are followed, those that hold nothing included.
    var entries = 0
    /// The place in the table is free for another tuple.
    var isForgotten = false
    /// The totals when the last tick was taken; nil while nothing has changed since.
    var totalsAtLastTick: Totals?
    private var totalsOfOthersAtLastTick = Totals()
    /// `searches` when the last tick was taken.
    private var searchesAtLastTick = Mean()
    /// When the first change since then came.
    var touchedAt: UInt64 = 0
    /// The last minute by the second; nil while it holds too little to be worth a forecast.
    private var history: RateHistory?

    init(tuple: Tuple, range: PortRange, usable: Int) {
        self.tuple = tuple
        self.range = range
        usage = PortUsage(usable: usable)
        peak = Peak(usage: usage, time: 0)
    }

    package struct Totals: Hashable, Sendable {
        /// Connects that got a port, those refused afterwards included.
        package var opened = 0
        package var closed = 0
        /// The part of `closed` that this end closed first: their port went into TIME_WAIT.
        package var closedFirst = 0
        /// Connects that got none.
        package var failed = 0

        package init() {}

        func since(_ before: Totals) -> Totals {
            var since = self
            // A connect() that was taken to have its port and then failed is counted back.
            since.opened = max(0, opened - before.opened)
            since.closed -= before.closed
            since.closedFirst -= before.closedFirst
            since.failed -= before.failed
            return since
        }
    }

    /// The moment at which it held most.
    package struct Peak: Hashable, Sendable {
        package var usage: PortUsage
        package var time: UInt64
        package init(usage: PortUsage, time: UInt64) { (self.usage, self.time) = (usage, time) }

        package var held: Int { usage.held }
        package var timeWait: Int { usage.timeWait }
        package var usable: Int { usage.usable }
        package var share: Double { usage.share }
    }

    // MARK: Ports

    mutating func hold(at time: UInt64, isOther: Bool = false, timeWait inTimeWait: Bool = false) {
        usage.held += 1
        if inTimeWait { usage.timeWait += 1 }
        if isOther { usage.others += 1 }
        if usage.held > peak.usage.held { peak = Peak(usage: usage, time: time) }
    }

    /// The connect() of `entry` is known to have got a port.
    mutating func confirm(_ entry: Entry, at time: UInt64) {
        hold(at: time, isOther: entry.isOther)
        count(entry.isOther) { $0.opened += 1 }
        add(entry.process, isOther: entry.isOther, opened: 1)
    }

    mutating func add(_ process: ProcessID, isOther: Bool, opened: Int) {
        if isOther {
            others.add(process, opened: opened)
        } else {
            processes.add(process, opened: opened)
        }
    }

    @inline(__always)
    mutating func count(_ isOther: Bool, _ change: (inout Totals) -> Void) {
        change(&totals)
        if isOther { change(&totalsOfOthers) }
    }

    /// The counts of the processes that the filter chooses: of all, where there is none.
    package var chosen: Totals { totals.since(totalsOfOthers) }

    /// Whether those processes connect here, or hold anything.
    package var isChosen: Bool { usage.held > usage.others || chosen.opened + chosen.failed > 0 }

    /// A process of the filter's choice has `entry`, which was taken for another's, open.
    mutating func choose(_ entry: Entry) {
        if entry.phase.holdsPort { usage.others -= 1 }
    }

    /// `entry` goes on as a TIME_WAIT.
    mutating func wait(_ entry: Entry, at time: UInt64) {
        usage.timeWait += 1
        count(entry.isOther) {
            $0.closed += 1
            $0.closedFirst += 1
        }
        if let lived = entry.age(at: time) { lives.add(lived) }
    }

    /// `entry`, which held a port, is closed; `staysBound`: it stays, for its bind keeps the port.
    mutating func close(_ entry: Entry, staysBound: Bool, error: UInt16?, at time: UInt64) {
        release(entry)
        count(entry.isOther) { $0.closed += 1 }
        if !staysBound { entries -= 1 }
        if let error { errors[error, default: 0] += 1 }
        if let lived = entry.age(at: time) { lives.add(lived) }
    }

    /// `entry` is gone, with the port that it held, if any.
    mutating func remove(_ entry: Entry) {
        entries -= 1
        if entry.phase.holdsPort { release(entry) }
    }

    private mutating func release(_ entry: Entry) {
        usage.held -= 1
        if entry.phase.isTimeWait { usage.timeWait -= 1 }
        if entry.isOutsidePool { usage.outsidePool -= 1 }
        if entry.isReusableNow { usage.reusable -= 1 }
        if entry.isOther { usage.others -= 1 }
    }

    /// A connect() of `process` has got no port.
    mutating func fail(_ process: ProcessID, _ cause: Cause?, at time: UInt64) {
        totals.failed += 1
        if firstFailureAt == nil { firstFailureAt = time }
        processes.add(process, failed: 1)
        recount(process, from: nil, to: cause, 1)
    }

    /// A connect() of a process that the filter does not choose has got no port.
    mutating func failOther(_ process: ProcessID, _ cause: Cause?) {
        count(true) { $0.failed += 1 }
        others.add(process, failed: 1)
        causesOfOthers.move(1, from: nil, to: cause)
    }

    /// Has all that others do count as if they were chosen, of which nothing was shown so far.
    mutating func chooseAll() {
        (usage.others, peak.usage.others) = (0, 0)
        (totalsOfOthers, totalsOfOthersAtLastTick) = (Totals(), Totals())
        causes.merge(causesOfOthers) { $0 + $1 }
        if processes.names.isEmpty { swap(&processes, &others) }
    }

    /// `count` failed connects have another cause than they were counted with; nil: none as yet.
    mutating func recount(
        _ process: ProcessID, from before: Cause?, to cause: Cause?, _ count: Int
    ) {
        causes.move(count, from: before, to: cause)
        processes.recount(process, from: before, to: cause, count)
    }

    /// There are ports left, but no more than sockets that may have found one.
    var mayBeUsedUpBySearches: Bool {
        usage.available > 0 && entries - usage.held >= usage.available
    }

    /// It holds nothing and never failed, and its last tick has been taken.
    var isIdle: Bool { entries == 0 && totals.failed == 0 && totalsAtLastTick == nil }

    // MARK: Seconds

    /// The changes since the last tick; nil if there are none.
    mutating func takeTick(at now: UInt64, place: Int) -> Tick? {
        guard let since = totalsAtLastTick.map(totals.since) else { return nil }
        totalsAtLastTick = nil
        var tick = Tick(
            place: place, tuple: tuple, usage: usage,
            since: since.since(totalsOfOthers.since(totalsOfOthersAtLastTick)),
            search: searches.mean(since: searchesAtLastTick))
        searchesAtLastTick = searches
        totalsOfOthersAtLastTick = totalsOfOthers
        if since.opened > 0 { rates.add(UInt64(since.opened)) }
        if history != nil || RateHistory.isWorthwhile(held: usage.used, usable: usage.usable) {
            if history == nil { history = RateHistory() }
            history?.secondPassed(RateHistory.Step(since, since: touchedAt, until: now))
            // It costs 4 µs: not for those that are far from any trouble.
            if usage.share > 0.1 { tick.forecast = forecast(at: now) }
        }
        return tick
    }

    /// When its ports will have run out; nil while there is too little to tell by.
    package func forecast(at now: UInt64) -> Forecast? {
        let step = totalsAtLastTick.map {
            RateHistory.Step(totals.since($0), since: touchedAt, until: now)
        }
        let delay = reuse.flatMap { $0.timestamps ? UInt64($0.reuseDelay) * 1_000_000 : nil }
        return (history ?? RateHistory()).forecast(
            usage, timeWaitCost: delay ?? TimeWaitRules.length,
            with: step ?? RateHistory.Step(until: now))
    }
}
