/// What is known of one tuple: the ports it holds now, and what it has come to since the start.
package struct TupleState: Sendable {
    package let tuple: Tuple
    /// The widest range that was in force for a socket of this tuple, as far as it still is.
    package internal(set) var range: PortRange
    /// It is not the namespace's, but narrower.
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

    package internal(set) var totals = Totals()
    /// Connects that got a port but no connection, by errno.
    package internal(set) var errors: [UInt16: Int] = [:]
    /// Connects that got no port, as far as the cause has been told.
    package internal(set) var causes: [Cause: Int] = [:]
    /// Searches for a port that took long, those that failed included.
    package internal(set) var searches = Mean()
    /// Connections that were opened in each second in which any were.
    package internal(set) var rates = Mean()
    /// How long connections lived, in nanoseconds, and what they carried, in bytes: a sample.
    package internal(set) var lives = Mean()
    package internal(set) var loads = Mean()

    package internal(set) var peak: Peak
    package internal(set) var firstFailureAt: UInt64?
    package internal(set) var processes = TopProcesses()

    /// Sockets that are accounted here, those that hold nothing included.
    var entries = 0
    /// The totals when the last tick was taken; nil while nothing has changed since.
    var totalsAtLastTick: Totals?
    /// `searches` when the last tick was taken.
    var searchesAtLastTick = Mean()
    /// When the first change since then came.
    var touchedAt: UInt64 = 0
    /// Nil while it holds too little to be worth a forecast.
    var flow: RateHistory?

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
        /// Of these, the ones that this end closed first: their port went into TIME_WAIT.
        package var closedFirst = 0
        /// Connects that got none.
        package var failed = 0

        package init() {}

        /// What has come up since `before`.
        mutating func subtract(_ before: Totals) {
            // A connect() that was taken to have its port and then failed is counted back.
            opened = max(0, opened - before.opened)
            closed -= before.closed
            closedFirst -= before.closedFirst
            failed -= before.failed
        }
    }

    /// The moment at which it held most.
    package struct Peak: Hashable, Sendable {
        package var usage: PortUsage
        package var time: UInt64
        package init(usage: PortUsage, time: UInt64) {
            self.usage = usage
            self.time = time
        }

        package var held: Int { usage.held }
        package var timeWait: Int { usage.timeWait }
        package var usable: Int { usage.usable }
        package var share: Double { usage.share }
    }

    mutating func hold(at time: UInt64, timeWait inTimeWait: Bool = false) {
        usage.held += 1
        if inTimeWait { usage.timeWait += 1 }
        if usage.held > peak.usage.held { peak = Peak(usage: usage, time: time) }
    }

    mutating func release(timeWait inTimeWait: Bool) {
        usage.held -= 1
        if inTimeWait { usage.timeWait -= 1 }
    }
}

/// A mean, and the greatest.
package struct Mean: Hashable, Sendable {
    package private(set) var count = 0
    package private(set) var total: UInt64 = 0
    package private(set) var greatest: UInt64 = 0

    package init() {}

    package mutating func add(_ value: UInt64) {
        count += 1
        total &+= value
        greatest = max(greatest, value)
    }

    /// Nil without any.
    package var mean: Double? { count == 0 ? nil : Double(total) / Double(count) }

    /// Of what was added since it was `before`; nil if nothing was.
    func mean(since before: Mean) -> UInt64? {
        count == before.count
            ? nil : (total &- before.total) / UInt64(clamping: count - before.count)
    }
}
