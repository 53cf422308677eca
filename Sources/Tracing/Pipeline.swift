import Events
import PortModel
import Report

/// The steps that a record takes once it is decoded: ledger, thresholds, sinks.
///
/// It reads no clock and no file, so that tests need neither: times are parameters, and `naming`
/// tells what only /proc knows.
package struct Pipeline: ~Copyable {
    /// Tells what to call a network namespace, by its inode number and a process in it (0: none known).
    package typealias Naming = (_ inode: UInt32, _ pid: UInt32) -> String?

    /// Tells what to call a network device, by the inode number of its namespace and its own number.
    package typealias DeviceNaming = (_ inode: UInt32, _ index: UInt32) -> String?

    package var ledger = Ledger()
    package var context: RenderContext
    /// CLOCK_MONOTONIC nanoseconds, as the loop has read them last.
    package var now: UInt64 = 0
    package private(set) var sinks: Sinks

    private var thresholds: AlertThresholds
    private var poolThresholds: AlertThresholds
    private let ownInode: UInt32?
    private let naming: Naming
    private let deviceNaming: DeviceNaming
    /// Ports used of each pool when that was reported last.
    private var poolsReported: [BindPool.Key: Int] = [:]
    private var lostReported: UInt64 = 0
    /// Scopes in which calls have found no port of late.
    private var exhausted: [PortScope: Event.Recovery] = [:]

    /// Above it, tuples that hold nothing are forgotten; their totals are kept.
    private static let tupleLimit = 65_536
    /// Tuples in a summary, and in those that a recording has while tracing goes on.
    private static let summaryLimit = 1000
    private static let progressLimit = 100
    /// Exhaustions that are followed at once.
    private static let exhaustedLimit = 1000
    private static let second: UInt64 = 1_000_000_000

    /// - Parameters:
    ///   - thresholds: of alerts, in percent of the usable ports.
    ///   - ownInode: of the network namespace that goes without saying in text.
    package init(
        thresholds: [Int] = AlertThresholds.defaultThresholds, sinks: [any EventSink] = [],
        context: RenderContext, ownInode: UInt32?, naming: @escaping Naming,
        deviceNaming: @escaping DeviceNaming = { _, _ in nil }
    ) {
        self.thresholds = AlertThresholds(thresholds: thresholds)
        poolThresholds = self.thresholds
        self.sinks = Sinks(sinks)
        self.context = context
        self.ownInode = ownInode
        (self.naming, self.deviceNaming) = (naming, deviceNaming)
    }

    // MARK: Records

    package mutating func take(_ record: Record) {
        // Without a binding, for which each record would be copied.
        if case .namespace = record { meet(record) }
        if let change = ledger.apply(record) { follow(change) }
    }

    /// Lets time pass to `time`: CLOCK_MONOTONIC nanoseconds, before the ring was read to its end.
    package mutating func settle(now time: UInt64) {
        var changes: [Change] = []
        ledger.settle(now: time) { changes.append($0) }
        for change in changes { follow(change) }
    }

    /// Passes a change on. Most cross no threshold and, when there are many, are not written.
    private mutating func follow(_ change: Change) {
        if change.tuple.device != 0 { name(change.tuple) }
        if sinks.takeConnections, !change.isOther { sinks.take(change, in: context) }
        observe(change.place, change.tuple, ledger.usage(of: change.place), at: change.time)
    }

    private mutating func observe(
        _ place: Int, _ tuple: Tuple, _ usage: PortUsage, at time: UInt64
    ) {
        // What only others use is counted, but none of what is asked for.
        guard ledger.isShown(place) else { return }
        let level = thresholds.observe(place, used: usage.used, usable: usage.usable)
        guard let level else { return }
        var alert = Alert(level: level, time: time, scope: .tuple(tuple), usage: usage)
        if level > 0 {
            alert.forecast = ledger.tuples[place].forecast(at: time)
            alert.longSearch = ledger.tuples[place].searches.mean
        }
        report(.alert(alert), at: time)
    }

    /// What existed before is in the ledger: reports the thresholds that it has crossed.
    package mutating func seeded(at time: UInt64) {
        ledger.failures.seededAt = time
        for place in ledger.tuples.places {
            observe(place, ledger.tuples[place].tuple, ledger.usage(of: place), at: time)
        }
    }

    /// Reports the failures due, once the bind tables of `ledger.failingNamespaces` are up to date.
    package mutating func reportFailures() { report(ledger.takeFailures()) }

    private mutating func report(_ failures: [Failure]) {
        for failure in failures {
            report(.failure(failure), at: failure.time)
            if failure.call.cause?.isPortExhaustion == true { follow(failure) }
        }
    }

    private mutating func follow(_ failure: Failure) {
        let scope = failure.call.scope
        guard exhausted[scope] != nil || exhausted.count < Self.exhaustedLimit else { return }
        var recovery = exhausted[scope] ?? Event.Recovery(of: scope, since: failure.time)
        recovery.failed += failure.count
        recovery.ended = max(recovery.ended, failure.time)
        recovery.usage = failure.usage
        exhausted[scope] = recovery
    }

    /// Reports the scopes that have found ports again: without a failure for a second, and with a port
    /// left. One whose namespace is gone never does.
    private mutating func reportRecoveries(at time: UInt64, _ ticks: [Tick]) {
        guard !exhausted.isEmpty else { return }
        // A tuple whose ports come back has changed.
        for tick in ticks { exhausted[.tuple(tick.tuple)]?.usage = tick.usage }
        exhausted = exhausted.filter { ledger.namespaces[$0.key.netns] != nil }
        for (scope, var recovery) in exhausted where recovery.ended + Self.second <= time {
            if let key = scope.bindPool, let pool = ledger.bindPools[key] {
                recovery.usage = pool.usage
            }
            guard recovery.usage.available > 0 else { continue }
            exhausted[scope] = nil
            report(.portsBack(recovery), at: time)
        }
    }

    // MARK: Namespaces

    /// Has the device of a tuple called by its name from here on.
    private mutating func name(_ tuple: Tuple) {
        guard let device = tuple.networkDevice, context.deviceNames[device] == nil,
            let inode = ledger.namespaces[device.netns]?.inode
        else { return }
        context.deviceNames[device] = deviceNaming(inode, device.index) ?? String(device.index)
    }

    /// Does so for all tuples.
    package mutating func nameDevices() { for state in ledger.tuples { name(state.tuple) } }

    private mutating func meet(_ record: Record) {
        guard case .namespace(let netns, let namespace, let pid) = record else { return }
        let before = ledger.namespaces[netns]
        guard before != namespace else { return }
        if before == nil {
            // Of two with the same inode, the older is gone.
            for (old, other) in ledger.namespaces where other.inode == namespace.inode {
                close(old)
            }
            if namespace.inode == ownInode { context.ownNamespace = netns }
            context.namespaceNames[netns] = naming(namespace.inode, pid) ?? String(namespace.inode)
        }
        report(before == nil ? .found : .changed, netns, namespace)
    }

    /// Ends what is left of a namespace that is no longer there.
    package mutating func close(_ netns: UInt32) {
        guard let namespace = ledger.namespaces[netns] else { return }
        ledger.close(namespace: netns)
        report(.gone, netns, namespace)
    }

    private func report(_ kind: Event.NamespaceNews.Kind, _ netns: UInt32, _ namespace: Namespace) {
        let news = Event.NamespaceNews(kind: kind, netns: netns, namespace: namespace)
        report(.namespace(news), at: now)
    }

    // MARK: Seconds

    /// Reports what the second has brought, with the records `lost` since the start, and returns the
    /// tuples in which anything changed.
    package mutating func secondPassed(at time: UInt64, lost: UInt64) -> [Tick] {
        report(ledger.takeRepeatedFailures())
        reportBindPools(at: time)
        let ticks = ledger.takeTicks(at: time)
        reportRecoveries(at: time, ticks)
        // What is usable or may be used again changes also while nobody connects.
        for tick in ticks {
            name(tick.tuple)
            observe(tick.place, tick.tuple, tick.usage, at: time)
        }
        let shown = ticks.filter { ledger.isShown($0.place) }
        sinks.take(shown, at: time, in: context)
        if lost > lostReported {
            report(.lost(Int(clamping: lost - lostReported)), at: time)
            lostReported = lost
        }
        ledger.forgetIdle(keeping: Self.tupleLimit, gone: Self.summaryLimit)
        forgetNames()
        return shown
    }

    /// Keeps names of namespaces that are gone for the summary's sake, but not of all.
    private mutating func forgetNames() {
        guard context.namespaceNames.count > 4 * Self.summaryLimit else { return }
        let used = Set(ledger.tuples.map(\.tuple.netns)).union(ledger.namespaces.keys)
        context.namespaceNames = context.namespaceNames.filter { used.contains($0.key) }
        context.deviceNames = context.deviceNames.filter { used.contains($0.key.netns) }
    }

    private mutating func reportBindPools(at time: UInt64) {
        for (key, pool) in ledger.bindPools where poolsReported[key] != pool.used {
            poolsReported[key] = pool.used
            report(.bindPool(Event.BindPoolUsage(pool)), at: time)
            let level = poolThresholds.observe(pool.number, used: pool.used, usable: pool.usable)
            guard let level else { continue }
            let alert = Alert(level: level, time: time, scope: .bindPool(key), usage: pool.usage)
            report(.alert(alert), at: time)
        }
    }

    /// Sets the nanoseconds from CLOCK_MONOTONIC to CLOCK_REALTIME, and the seconds that local time is
    /// ahead of UTC. The clocks are not read at one instant: less than a millisecond is no change, and
    /// one event keeps one time.
    package mutating func setClock(realtimeOffset: UInt64, localOffset: Int) {
        context.timestamps.localOffset = localOffset
        let change = Int64(bitPattern: realtimeOffset &- context.timestamps.realtimeOffset)
        if change.magnitude > 1_000_000 { context.timestamps.realtimeOffset = realtimeOffset }
    }

    // MARK: Summaries

    /// Passes on any event but a connection.
    package func report(_ event: Event, at time: UInt64) {
        sinks.take(event, at: time, in: context)
    }

    /// Reports what the summary would be now, in case that a recording breaks off.
    package func reportProgress(at time: UInt64, duration: UInt64, _ accuracy: Accuracy) {
        report(.progress(summary(duration, accuracy, limit: Self.progressLimit)), at: time)
    }

    /// Whether the processes that the filter chooses have neither called connect() nor held a port, nor
    /// failed to bind() one. Bind pools are of all processes, and say nothing about these.
    package var sawNoneChosen: Bool {
        !ledger.tuples.contains(where: \.isChosen) && ledger.failures.refusals.isEmpty
    }

    /// Reports what is still pending, and the summary.
    package mutating func finish(duration: UInt64, _ accuracy: Accuracy) -> Summary {
        report(ledger.takeAllFailures())
        nameDevices()
        let summary = summary(duration, accuracy, limit: Self.summaryLimit)
        report(.summary(summary), at: now)
        return summary
    }

    private func summary(_ duration: UInt64, _ accuracy: Accuracy, limit: Int) -> Summary {
        // To the millisecond, as a recording has it.
        Summary(
            of: ledger, duration: duration / 1_000_000 * 1_000_000, accuracy: accuracy,
            linesDropped: sinks.dropped, limit: limit)
    }
}
