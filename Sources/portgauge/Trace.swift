import Events
import Glibc
import PortModel
import Probe
import Report

/// One run of the tracer, from attaching the hooks to the summary.
///
/// The road of a record: the hooks write it to the ring, `Probe.drain` decodes it, `Road.take` folds
/// it into the ledger, holds the change against the thresholds, and writes what is to be told.
struct Trace: ~Copyable {
    struct Options {
        var isJSON = false
        /// Nil: none but the summary.
        var events: EventChoice.Level? = .notable
        /// Ends with the summary.
        var summary = true
        var thresholds = AlertThresholds.defaultThresholds
        /// Seconds; nil: until stopped.
        var duration: Double?
        var filter = Probe.Filter()
        /// Seconds between audits; 0: none.
        var audit = 10.0
        /// A power of two, and a multiple of the page size. 50,000 connections a second fill the
        /// default in 0.4 s.
        var ringBytes: UInt32 = 4 << 20
        /// Where trampolines are refused: have each system call of the machine take a little longer,
        /// for the sake of what connect() and bind() return.
        var systemCalls = true
        /// In text, times are seconds since the start.
        var sinceStart = false
        /// In text, names of peers.
        var resolve = false
        /// Where every event goes, as JSON: a path, or - for standard output.
        var record: String?
        /// What is written at the end.
        var reports: [ReportFile.Target] = []
        /// Standard output belongs to a command: events and summary go to standard error.
        var isForCommand = false
    }

    /// What a run has come to.
    struct Outcome {
        let summary: Summary
        /// What missing hooks mean.
        let losses: [String]
        /// The first thing that went wrong in writing what is told.
        let failure: ProbeError?

        func check() throws(ProbeError) { if let failure { throw failure } }
    }

    private let options: Options
    /// Runs for as long as this does, if there is one.
    let command: ChildProcess?
    let signals: StopSignals
    let poller: Poller
    var probe: Probe
    var road: Road
    var auditor: Auditor
    private var refresher: NamespaceRefresher
    private let reports: [ReportFile]

    private static let drainInterval: UInt64 = 20_000_000
    private static let tickInterval: UInt64 = 1_000_000_000

    /// Attaches the hooks.
    ///
    /// - Parameter command: it still waits.
    init(options: Options, command: consuming ChildProcess? = nil) throws(ProbeError) {
        // Standard output first: were it closed, the next descriptor would take its place.
        var road = try Road(options: options)
        var reports: [ReportFile] = []
        for target in options.reports { reports.append(try ReportFile(target)) }
        let pid = command?.pid
        let signals = try StopSignals(pid == nil ? StopSignals.stop : StopSignals.forCommand)
        let poller = try Poller()
        let probe = try Probe(
            filter: options.filter, ringBytes: options.ringBytes, systemCalls: options.systemCalls,
            command: try Self.root(pid, options.filter))
        // Nothing is made, or emptied, before it is sure that there will be something to write.
        if let path = options.record, path != "-" { try road.sinks.record(to: path) }
        try Capability.keepOnly(
            Capability.whileTracing + (reports.isEmpty ? [] : [Capability.toWriteAnywhere]))
        let resolver = options.resolve ? try Resolver.start() : nil
        try poller.watch(signals.descriptor, for: .readable)
        try poller.watch(probe.descriptor, for: [.readable, .edge])
        try road.sinks.watchReaders(poller)
        if let descriptor = command?.descriptor { try poller.watch(descriptor, for: .readable) }
        self.command = command
        self.options = options
        self.reports = reports
        self.signals = signals
        self.poller = poller
        self.probe = probe
        self.road = road
        if let resolver { self.road.name(by: resolver) }
        let places = NamespacePlaces()
        auditor = Auditor(
            interval: options.audit > 0 ? UInt64(options.audit * 1e9) : nil,
            filter: options.filter, places: places, now: Clock.monotonic)
        refresher = NamespaceRefresher(places: places)
    }

    /// Returns when the command has ended or, without one, the time is up or somebody asks to stop;
    /// after the summary.
    mutating func run() throws(ProbeError) -> Outcome {
        var alone = Alone()
        return try run(with: &alone)
    }

    /// The same; `observer` may ask to stop as well.
    mutating func run(
        with observer: inout some TraceObserver & ~Copyable
    ) throws(ProbeError) -> Outcome {
        let losses = complainOfHooks()
        road.ledger.followsBoundPorts = probe.followsBoundPorts
        road.ledger.isPartial = options.filter.isByProcess
        road.followsReturns = probe.followsReturns
        let start = Clock.monotonic
        if options.sinceStart { road.countTime(from: start) }
        road.tell(.start(startFacts), at: start)
        try road.sinks.flush()
        try seed()
        try refresher.survey(&probe, &road)
        try observer.begin(poller, road)
        try follow(since: start, &observer)
        signals.letKill()
        try observer.end()
        let end = Clock.monotonic
        probe.drainAll { road.take($0) }
        road.settle(now: end)
        try auditor.finish(&probe, &road)
        let last = Clock.monotonic
        probe.drainAll { road.take($0) }
        road.settle(now: last)
        try refresher.survey(&probe, &road)
        _ = road.secondPassed(at: last, lost: probe.lost)
        tellSurvivors()
        var failure: ProbeError?
        let summary = finish(duration: end - start, &failure)
        if probe.malformed > 0 { complain("\(probe.malformed) records could not be read") }
        return Outcome(summary: summary, losses: losses, failure: failure)
    }

    /// What each missing hook means, told once.
    private func complainOfHooks() -> [String] {
        var losses: [String] = []
        for hook in probe.hooks {
            guard let refusal = hook.refusal, let loss = hook.loss, !losses.contains(loss) else {
                continue
            }
            losses.append(loss)
            complain("\(hook.name): \(errnoName(refusal)): \(loss)")
        }
        return losses
    }

    private var startFacts: Event.Start {
        let host = Host()
        var start = Event.Start(
            version: Portgauge.version, kernel: host.kernel, hooks: probe.attachedNames)
        start.host = host.name
        start.machine = host.machine
        start.cpus = host.cpus
        start.command = CommandLine.arguments
        start.ownInode = NetworkNamespaces.own
        start.localOffset = Clock.localOffset
        start.thresholds = options.thresholds
        return start
    }

    /// Writes the summary and the reports. What goes wrong with one of them does not keep back the others.
    ///
    /// - Parameter failure: the first one.
    private mutating func finish(duration: UInt64, _ failure: inout ProbeError?) -> Summary {
        let summary = road.summarise(
            duration: duration, accuracy: auditor.accuracy, &failure)
        let runs = road.sinks.runs()
        for report in reports {
            do throws(ProbeError) { try report.write(runs) } catch { failure = failure ?? error }
        }
        road.sinks.finish(&failure)
        return summary
    }

    private mutating func follow(
        since start: UInt64, _ observer: inout some TraceObserver & ~Copyable
    ) throws(ProbeError) {
        let end = options.duration.map { start + UInt64($0 * 1e9) }
        var nextTick = start + Self.tickInterval
        var nextDrain = start
        var emptyDrains = 0
        while true {
            // Nothing has come for a while, and the next record was asked for a wake-up.
            let sleeps = emptyDrains > 1
            let wake = min(sleeps ? nextTick : min(nextDrain, nextTick), end ?? .max)
            let before = Clock.monotonic
            let pause = wake > before ? (wake - before + 999_999) / 1_000_000 : 0
            let ready = try poller.wait(milliseconds: Int32(clamping: pause))
            if isOver(ready) { return }
            try road.sinks.checkReaders(ready)
            guard try observer.serve(ready, poller, road) else { return }

            let now = Clock.monotonic
            let count = probe.drain { road.take($0) }
            // With more in the ring, what seems to be over may have been taken up again since.
            if count < Probe.drainLimit { road.settle(now: now) }
            nextDrain = count < Probe.drainLimit ? now + Self.drainInterval : now
            emptyDrains = count == 0 ? emptyDrains + 1 : 0
            if count == 0 { probe.askForWakeUp() }
            if count < Probe.drainLimit { try auditor.afterDrain(now, &probe, &road) }
            if now >= nextTick { try refresher.secondPassed(now, &probe, &road) }
            try refresher.beforeTelling(&probe, &road)
            road.tellFailures()
            if now >= nextTick {
                let ticks = road.secondPassed(at: now, lost: probe.lost)
                auditor.secondPassed(probe)
                try observer.secondPassed(at: now, ticks, road, auditor.accuracy)
                road.tellProgress(at: now, duration: now - start, auditor.accuracy)
                nextTick += (now - nextTick) / Self.tickInterval * Self.tickInterval
                nextTick += Self.tickInterval
            }
            try road.sinks.flush(poller)
            if let end, now >= end { return }
        }
    }
}
