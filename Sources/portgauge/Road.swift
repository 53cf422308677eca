import PortModel
import Probe
import Report

/// What a record passes through once it is decoded: ledger, thresholds, output.
struct Road: ~Copyable {
    var ledger = Ledger()
    private var watch: Watch
    private var failures = FailureLog()
    private var choice: EventChoice

    private let isJSON: Bool
    private let writer: EventWriter
    private var surroundings: Surroundings
    private let ownInode = NetworkNamespaces.own
    private var line = Line()

    private var output: Output
    private var outputIsAwaited = false
    private var outputError: ProbeError?
    private var lostTold: UInt64 = 0

    /// Above it, tuples that hold nothing are forgotten; their totals are kept.
    private static let tupleLimit = 65_536
    /// Tuples in a summary, and in the text for one second.
    private static let summaryLimit = 1000
    private static let tickLines = 10

    init(options: borrowing Trace.Options) throws(ProbeError) {
        watch = Watch(thresholds: options.thresholds)
        choice = EventChoice(options.events)
        isJSON = options.isJSON
        output = try Output()
        writer =
            options.isJSON
            ? .json(JSONWriter()) : .text(TextWriter(colour: Terminal.wantsColour))
        surroundings = Surroundings(
            timestamps: Timestamps(
                realtimeOffset: Clock.realtimeOffset, localOffset: Clock.localOffset),
            namespaceNames: [:], ownNamespace: nil, errnoName: errnoName)
    }

    // MARK: Records

    mutating func take(_ record: Record) {
        if case .namespace(let netns, let namespace, let pid) = record {
            meet(netns, namespace, pid)
        }
        guard let change = ledger.apply(record) else { return }
        follow(change)
    }

    /// What only time tells.
    ///
    /// - Parameter now: before the ring was read to its end.
    mutating func settle(now: UInt64) {
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { follow(change) }
    }

    /// Most changes cross no threshold and, when there are many, are not written: those are passed
    /// by without being copied.
    private mutating func follow(_ change: Change) {
        if choice.wants(change.kind) { tell(.connection(change), at: change.time) }
        if case .failed = change.kind, let failure = failures.add(change) {
            tell(.failure(failure), at: change.time)
        }
        if let level = watch.observe(
            account: change.account, held: change.held, usable: change.usable)
        {
            tell(.alert(Alert(level: level, change)), at: change.time)
        }
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
            if namespace.inode == ownInode { surroundings.ownNamespace = netns }
            let found = NetworkNamespaces.Found(inode: namespace.inode, pid: pid)
            surroundings.namespaceNames[netns] =
                NetworkNamespaces.name(of: found) ?? String(namespace.inode)
        }
        guard choice.wantsNamespaces(changed: before != nil, always: isJSON) else { return }
        let news = Event.NamespaceNews(
            kind: before == nil ? .found : .changed, netns: netns, namespace: namespace)
        tell(.namespace(news), at: Clock.monotonic)
    }

    /// A namespace is no longer there.
    mutating func close(_ netns: UInt32, at now: UInt64) {
        guard let namespace = ledger.namespaces[netns] else { return }
        ledger.close(namespace: netns)
        guard choice.wantsNamespaces(changed: true, always: isJSON) else { return }
        let news = Event.NamespaceNews(kind: .gone, netns: netns, namespace: namespace)
        tell(.namespace(news), at: now)
    }

    /// An audit is over; those without a difference are told only where everything is.
    mutating func tell(_ audit: Audit, at now: UInt64) {
        guard isJSON || choice.level == .all || !audit.drift.isEmpty else { return }
        tell(.audit(audit), at: now)
    }

    // MARK: Seconds

    /// - Parameter lost: records lost since the start.
    mutating func secondPassed(at now: UInt64, lost: UInt64) {
        surroundings.timestamps.localOffset = Clock.localOffset
        // The two clocks are not read at one instant: less than a millisecond is no change, and one
        // event keeps one time.
        let offset = Clock.realtimeOffset
        let change = Int64(bitPattern: offset &- surroundings.timestamps.realtimeOffset)
        if change.magnitude > 1_000_000 { surroundings.timestamps.realtimeOffset = offset }
        for failure in failures.takeTick() { tell(.failure(failure), at: failure.change.time) }
        let ticks = ledger.takeTicks()
        if choice.wantsTicks(always: isJSON) { tell(ticks, at: now) }
        choice.tick()
        if lost > lostTold {
            tell(.lost(Int(clamping: lost - lostTold)), at: now)
            lostTold = lost
        }
        ledger.forgetIdle(keeping: Self.tupleLimit, gone: Self.summaryLimit)
        forgetNames()
    }

    /// Names of namespaces that are gone are kept for the summary's sake, but not of all.
    private mutating func forgetNames() {
        guard surroundings.namespaceNames.count > 4 * Self.summaryLimit else { return }
        let used = Set(ledger.tuples.map(\.tuple.netns)).union(ledger.namespaces.keys)
        surroundings.namespaceNames = surroundings.namespaceNames.filter { used.contains($0.key) }
    }

    private mutating func tell(_ ticks: [Tick], at now: UInt64) {
        guard !isJSON, ticks.count > Self.tickLines else {
            for tick in ticks { tell(.tick(tick), at: now) }
            return
        }
        let fullest = ticks.sorted { $0.held * $1.usable > $1.held * $0.usable }
        for tick in fullest.prefix(Self.tickLines) { tell(.tick(tick), at: now) }
    }

    // MARK: Output

    mutating func tell(_ event: Event, at time: UInt64, always: Bool = false) {
        guard outputError == nil else { return }
        line.clear()
        writer.write(event, at: time, in: surroundings, to: &line)
        do throws(ProbeError) {
            try output.append(line.bytes, always: always)
        } catch {
            outputError = error
        }
    }

    /// Writes what the reader takes without waiting.
    mutating func flush() throws(ProbeError) {
        if let outputError { throw outputError }
        try output.flush()
    }

    /// The same, and has `poller` tell when the reader takes more.
    mutating func flush(_ poller: borrowing Poller) throws(ProbeError) {
        try flush()
        guard output.isWaiting != outputIsAwaited else { return }
        outputIsAwaited = output.isWaiting
        try watchReader(poller)
    }

    /// Has `poller` tell when the reader goes away, even while there is nothing to write.
    func watchReader(_ poller: borrowing Poller) throws(ProbeError) {
        guard let descriptor = output.pollable else { return }
        try poller.watch(descriptor, for: outputIsAwaited ? .writable : [])
    }

    /// - Parameter ready: what the poller told.
    func checkReader(_ ready: [Int32]) throws(ProbeError) {
        guard let descriptor = output.pollable, ready.contains(descriptor), !outputIsAwaited else {
            return
        }
        throw Output.readerGone
    }

    /// Writes the summary, for as long as the reader takes.
    mutating func finish(duration: UInt64, accuracy: Accuracy) throws(ProbeError) {
        // What a full disk drops now is still counted.
        try flush()
        let summary = Summary(
            of: ledger, duration: duration, accuracy: accuracy, linesDropped: output.dropped,
            limit: Self.summaryLimit)
        tell(.summary(summary), at: Clock.monotonic, always: true)
        if let outputError { throw outputError }
        try output.finish()
    }
}
