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
    private var knownNamespaces: Set<UInt32> = []
    private var lastNamespace: UInt32 = 0
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
            namespaceNames: NetworkNamespaces.names(), ownNamespace: NetworkNamespaces.own,
            errnoName: errnoName)
    }

    // MARK: Records

    mutating func take(_ record: Record) {
        guard let change = ledger.apply(record) else { return }
        follow(change)
    }

    /// What only time tells.
    mutating func settle(now: UInt64) {
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { follow(change) }
    }

    /// Most changes cross no threshold and, when there are many, are not written: those are passed
    /// by without being copied.
    private mutating func follow(_ change: Change) {
        if change.tuple.netns != lastNamespace { enter(change.tuple.netns) }
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

    /// A namespace that is new may have a name that is new.
    private mutating func enter(_ netns: UInt32) {
        lastNamespace = netns
        if knownNamespaces.insert(netns).inserted {
            surroundings.namespaceNames = NetworkNamespaces.names()
        }
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
        ledger.forgetIdle(keeping: Self.tupleLimit)
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
    mutating func finish(duration: UInt64, lost: UInt64) throws(ProbeError) {
        // What a full disk drops now is still counted.
        try flush()
        let summary = Summary(
            of: ledger, duration: duration, lost: lost, linesDropped: output.dropped,
            limit: Self.summaryLimit)
        tell(.summary(summary), at: Clock.monotonic, always: true)
        if let outputError { throw outputError }
        try output.finish()
    }
}
