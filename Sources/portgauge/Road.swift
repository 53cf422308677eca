import Events
import PortModel
import Probe
import Report

/// What a record passes through once it is decoded: ledger, thresholds, sinks.
struct Road: ~Copyable {
    var ledger = Ledger()
    private var watch: AlertThresholds
    private var poolThresholds: AlertThresholds
    private var failures = FailureLog()
    /// Failures to be told as soon as what is bind-held is known anew.
    private var untold: [Failure] = []
    /// As they were told last.
    private var poolsTold: [BindPool.Key: Int] = [:]

    private(set) var context: RenderContext
    private let ownInode = NetworkNamespaces.own
    var sinks: Sinks
    private var nextProgress: UInt64 = 0
    private var lostTold: UInt64 = 0

    /// Above it, tuples that hold nothing are forgotten; their totals are kept.
    private static let tupleLimit = 65_536
    /// Tuples in a summary, and in those that a recording has while tracing goes on.
    private static let summaryLimit = 1000
    private static let progressLimit = 100
    private static let progressInterval: UInt64 = 10_000_000_000

    init(options: borrowing Trace.Options) throws(ProbeError) {
        watch = AlertThresholds(thresholds: options.thresholds)
        poolThresholds = watch
        sinks = try Sinks(options)
        context = RenderContext(
            timestamps: Timestamps(
                realtimeOffset: Clock.realtimeOffset, localOffset: Clock.localOffset),
            namespaceNames: [:], ownNamespace: nil, errnoName: errnoName)
    }

    // MARK: Records

    mutating func take(_ record: Record) {
        if case .namespace(let netns, let namespace, let pid) = record {
            meet(netns, namespace, pid)
        }
        if case .refused(let refusal) = record { return refuse(refusal) }
        guard let change = ledger.apply(record) else { return }
        follow(change)
        if case .closed(let closing) = record, let failure = ledger.failure(change),
            let first = failures.add(failure, socket: closing.socket)
        {
            untold.append(first)
        }
    }

    private mutating func refuse(_ refusal: Record.Refusal) {
        let other = ledger.failure(refusal)
        let isOther = !failures.isAwaited(refusal)
        if isOther { ledger.enter(other) }
        if let first = failures.returned(refusal, else: other) { untold.append(first) }
    }

    /// Whether each failed connect() is followed by what it returned.
    var followsReturns: Bool {
        get { failures.awaitsReturns }
        set { failures.awaitsReturns = newValue }
    }

    /// What only time tells.
    ///
    /// - Parameter now: before the ring was read to its end.
    mutating func settle(now: UInt64) {
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { follow(change) }
        untold += failures.settle(now: now)
    }

    // MARK: Failures

    /// Namespaces whose bind-held ports are to be looked at before `tellFailures`.
    var failing: Set<UInt32> { Set(untold.map(\.call.scope.netns)) }

    /// Tells the failures that have come up.
    mutating func tellFailures() {
        guard !untold.isEmpty else { return }
        for var failure in untold {
            ledger.diagnose(&failure, isKnown: followsReturns)
            tell(.failure(failure), at: failure.time)
        }
        untold.removeAll(keepingCapacity: true)
    }

    /// Most changes cross no threshold and, when there are many, are not written: those are passed
    /// by without being copied.
    private mutating func follow(_ change: Change) {
        sinks.take(change, in: context)
        let usage = ledger.usage(of: change.account)
        observe(change.account, change.tuple, usage, at: change.time)
    }

    private mutating func observe(
        _ account: Int, _ tuple: Tuple, _ usage: PortUsage, at time: UInt64
    ) {
        let level = watch.observe(account, used: usage.used, usable: usage.usable)
        guard let level else { return }
        var alert = Alert(level: level, time: time, scope: .tuple(tuple), usage: usage)
        if level > 0 {
            alert.forecast = ledger.forecast(of: account, at: time)
            alert.longSearch = ledger.longSearch(of: account)
        }
        tell(.alert(alert), at: time)
    }

    // MARK: Namespaces

    private mutating func meet(_ netns: UInt32, _ namespace: Namespace, _ pid: UInt32) {
        let before = ledger.namespaces[netns]
        guard before != namespace else { return }
        if before == nil {
            // Of two with the same inode, the older is gone.
            for (old, other) in ledger.namespaces where other.inode == namespace.inode {
                close(old, at: Clock.monotonic)
            }
            if namespace.inode == ownInode { context.ownNamespace = netns }
            let found = NetworkNamespaces.Found(inode: namespace.inode, pid: pid)
            context.namespaceNames[netns] =
                NetworkNamespaces.name(of: found) ?? String(namespace.inode)
        }
        let news = Event.NamespaceNews(
            kind: before == nil ? .found : .changed, netns: netns, namespace: namespace)
        tell(.namespace(news), at: Clock.monotonic)
    }

    /// A namespace is no longer there.
    mutating func close(_ netns: UInt32, at now: UInt64) {
        guard let namespace = ledger.namespaces[netns] else { return }
        ledger.close(namespace: netns)
        let news = Event.NamespaceNews(kind: .gone, netns: netns, namespace: namespace)
        tell(.namespace(news), at: now)
    }

    // MARK: Seconds

    /// - Parameter lost: records lost since the start.
    /// - Returns: the tuples in which anything changed.
    mutating func secondPassed(at now: UInt64, lost: UInt64) -> [Tick] {
        sinks.resize()
        context.timestamps.localOffset = Clock.localOffset
        // The two clocks are not read at one instant: less than a millisecond is no change, and one
        // event keeps one time.
        let offset = Clock.realtimeOffset
        let change = Int64(bitPattern: offset &- context.timestamps.realtimeOffset)
        if change.magnitude > 1_000_000 { context.timestamps.realtimeOffset = offset }
        untold += failures.takeTick()
        tellFailures()
        tellBindPools(at: now)
        let ticks = ledger.takeTicks(at: now)
        // What is usable or may be used again changes also while nobody connects.
        for tick in ticks { observe(tick.index, tick.tuple, tick.usage, at: now) }
        sinks.take(ticks, at: now, in: context)
        if lost > lostTold {
            tell(.lost(Int(clamping: lost - lostTold)), at: now)
            lostTold = lost
        }
        ledger.forgetIdle(keeping: Self.tupleLimit, gone: Self.summaryLimit)
        forgetNames()
        return ticks
    }

    /// Names of namespaces that are gone are kept for the summary's sake, but not of all.
    private mutating func forgetNames() {
        guard context.namespaceNames.count > 4 * Self.summaryLimit else { return }
        let used = Set(ledger.tuples.map(\.tuple.netns)).union(ledger.namespaces.keys)
        context.namespaceNames = context.namespaceNames.filter { used.contains($0.key) }
    }

    private mutating func tellBindPools(at now: UInt64) {
        for (key, pool) in ledger.bindPools where poolsTold[key] != pool.used {
            poolsTold[key] = pool.used
            tell(.bindPool(Event.BindPoolUsage(pool)), at: now)
            guard
                let level = poolThresholds.observe(
                    pool.number, used: pool.used, usable: pool.usable)
            else { continue }
            let alert = Alert(
                level: level, time: now, scope: .bindPool(key), usage: pool.usage)
            tell(.alert(alert), at: now)
        }
    }

    // MARK: What is told

    /// In text, peers have names from now on, as far as they are known.
    mutating func name(by resolver: Resolver) {
        context.hostName = { resolver.name(of: $0) }
    }

    /// In text, times are seconds since `start` from now on.
    mutating func countTime(from start: UInt64) { context.timestamps.start = start }

    /// - Parameter event: any but a connection.
    mutating func tell(_ event: Event, at time: UInt64) {
        sinks.take(event, at: time, in: context)
    }

    /// Has a recording say now and then what the summary would, in case that it breaks off.
    mutating func tellProgress(at now: UInt64, duration: UInt64, _ accuracy: Accuracy) {
        guard sinks.isRecorded, now >= nextProgress else { return }
        let spent = Clock.processorTime
        let summary = summary(duration, accuracy, limit: Self.progressLimit)
        sinks.take(progress: summary, at: now, in: context)
        // Many tuples take some time: no more than a fiftieth of a CPU.
        nextProgress = now + max(Self.progressInterval, 50 * (Clock.processorTime - spent))
    }

    /// Tells the summary.
    ///
    /// - Parameter failure: what goes wrong with a reader.
    mutating func summarise(
        duration: UInt64, accuracy: Accuracy, _ failure: inout ProbeError?
    ) -> Summary {
        // What a full disk drops now is still counted.
        do throws(ProbeError) { try sinks.flush() } catch { failure = error }
        let summary = summary(duration, accuracy, limit: Self.summaryLimit)
        sinks.take(summary: summary, at: Clock.monotonic, in: context)
        return summary
    }

    private mutating func summary(
        _ duration: UInt64, _ accuracy: Accuracy, limit: Int
    ) -> Summary {
        // To the millisecond, as a recording has it.
        Summary(
            of: ledger, duration: duration / 1_000_000 * 1_000_000, accuracy: accuracy,
            linesDropped: sinks.dropped, limit: limit)
    }
}
