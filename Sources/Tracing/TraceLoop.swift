import Events
import Glibc
import LinuxSystem
import PortModel
import Probe
import Report

/// One run of the tracer, from attaching the hooks to the summary, on one thread.
///
/// The hooks write a record to the ring, `Probe.drain` decodes it, `Pipeline.take` folds it into the
/// ledger, holds the change against the thresholds, and hands events to the sinks.
package struct TraceLoop: ~Copyable {
    package struct Options: Sendable {
        package var version: String
        package var isJSON = false
        /// Nil: none but the summary.
        package var events: EventChoice.Level? = .notable
        package var summary = true
        package var thresholds = AlertThresholds.defaultThresholds
        /// Seconds; nil: until stopped.
        package var duration: Double?
        package var filter = Probe.Filter()
        /// Seconds between audits; 0: none.
        package var audit = 10.0
        /// A power of two and of pages; 50,000 connections a second fill the default in 0.4 s.
        package var ringBytes: UInt32 = 4 << 20
        /// Where trampolines are refused, slow each system call a little to see returned errors.
        package var systemCalls = true
        /// In text, times are seconds since the start.
        package var sinceStart = false
        /// In text, names of peers.
        package var resolve = false
        /// Where every event goes, as JSON: a path, or - for standard output.
        package var record: String?
        package var reports: [ReportFile.Target] = []
        /// Standard output belongs to a command: events and summary go to standard error.
        package var isForCommand = false
        /// The command, as records number processes.
        package var commandRoot: UInt32?
        /// The whole host is judged where the processes of the filter's choice connect to nothing.
        package var judgesHostInstead = false

        package init(version: String) { self.version = version }
    }

    package struct Outcome {
        package let summary: Summary
        /// Why it is of the whole host although only some processes were to be judged.
        package let hostInstead: String?
        /// What missing hooks mean.
        package let losses: [String]
        /// The first thing that went wrong in writing events, reports or the summary.
        package let failure: SystemError?

        package func check() throws(SystemError) { if let failure { throw failure } }
    }

    private let options: Options
    private let observers: [any TraceObserver]
    private let poller: Poller
    private var probe: Probe
    private var pipeline: Pipeline
    private var reconciler: Reconciler
    private var refresher: NamespaceRefresher
    private var nextProgress: UInt64 = 0

    private static let drainInterval: UInt64 = 20_000_000
    private static let tickInterval: UInt64 = 1_000_000_000
    private static let lastChecks = 10
    private static let progressInterval: UInt64 = 10_000_000_000

    /// Attaches the hooks. Without a command among the observers, signals end the trace as well.
    package init(options: Options, observers: [any TraceObserver] = []) throws(SystemError) {
        // Standard output first: were it closed, the next descriptor would take its place.
        var recording = options.record == "-" ? try OutputSink.recording(to: "-") : nil
        let stream = try Self.stream(options)
        var reports: [ReportFile] = []
        for target in options.reports { reports.append(try ReportFile(target)) }
        let stopping: [any TraceObserver] = options.isForCommand ? [] : [try SignalObserver()]
        let poller = try Poller()
        let probe = try Probe(
            filter: options.filter, ringBytes: options.ringBytes, systemCalls: options.systemCalls,
            command: options.commandRoot)
        // Nothing is made, or emptied, before it is sure that there will be something to write.
        if recording == nil, let path = options.record {
            recording = try OutputSink.recording(to: path)
        }
        try Capability.keepOnly(
            Capability.whileTracing + (reports.isEmpty ? [] : [Capability.toWriteAnywhere]))
        let resolver = options.resolve ? try Resolver.start() : nil
        var sinks: [any EventSink] = reports.isEmpty ? [] : [ReportSink(reports)]
        if let recording { sinks.append(recording) }
        sinks.append(stream)
        var pipeline = Pipeline.live(thresholds: options.thresholds, sinks: sinks)
        if let resolver { pipeline.context.hostName = { resolver.name(of: $0) } }
        try poller.watch(probe.descriptor, for: [.readable, .edge])
        for sink in pipeline.sinks.all { try sink.watchReader(poller) }
        let places = NamespacePlaces()
        self.options = options
        self.observers = stopping + observers
        self.poller = poller
        self.probe = probe
        self.pipeline = pipeline
        reconciler = Reconciler(
            interval: options.audit > 0 ? UInt64(options.audit * 1e9) : nil,
            places: places, now: Clock.monotonic)
        refresher = NamespaceRefresher(places: places)
    }

    private static func stream(_ options: Options) throws(SystemError) -> OutputSink {
        // Standard output then has nothing but the recording, or is the command's, which shares
        // standard error.
        let isTaken = options.record == "-" || options.isForCommand
        let descriptor = isTaken ? STDERR_FILENO : STDOUT_FILENO
        let text = TextWriter(
            colour: Terminal.wantsColour(on: descriptor),
            layout: Layout(columns: Terminal.width(of: descriptor)))
        var wishes = OutputSink.Options(events: options.events)
        wishes.summary = options.summary
        // A command has a start line of its own, and Ctrl-C ends the command.
        wishes.start = !options.isForCommand
        wishes.isVital = !options.isForCommand
        wishes.terminal = descriptor
        return OutputSink(
            try Output(descriptor, name: isTaken ? "standard error" : "standard output"),
            writer: options.isJSON ? .json(JSONWriter()) : .text(text), options: wishes)
    }

    /// Removes what was made, as nothing has come of it.
    package func discard() { for sink in pipeline.sinks.all { sink.discard() } }

    /// Traces until the time is up or an observer ends it, and writes the summary.
    package mutating func run() throws(SystemError) -> Outcome {
        let losses = complainOfHooks()
        pipeline.ledger.followsBoundPorts = probe.followsBoundPorts
        pipeline.ledger.isFiltered = options.filter.isByProcess
        pipeline.ledger.failures.awaitsReturns = probe.followsReturns
        let start = Clock.monotonic
        pipeline.ledger.failures.followedSince = start
        pipeline.now = start
        if options.sinceStart { pipeline.context.timestamps.start = start }
        pipeline.report(.start(startFacts), at: start)
        try pipeline.sinks.flush(poller)
        let observers = observers
        try reconciler.seed(&probe, &pipeline) { record in
            for observer in observers { observer.found(record) }
        }
        try refresher.refreshAll(&probe, &pipeline)
        for observer in observers { try observer.begin(poller, pipeline) }
        try follow(since: start)
        for observer in observers { try observer.end() }
        let end = Clock.monotonic
        drainAll(at: end)
        try reconciler.finish(&probe, &pipeline)
        awaitAttempts()
        let last = Clock.monotonic
        drainAll(at: last)
        refresher.proveFailures(probe, &pipeline)
        try refresher.refreshAll(&probe, &pipeline)
        _ = pipeline.secondPassed(at: last, lost: probe.lost)
        let survivors = probe.commandProcesses
        for observer in observers { observer.closing(survivors) }
        let outcome = finish(duration: end - start, losses)
        if probe.malformed > 0 { complain("\(probe.malformed) records could not be read") }
        return outcome
    }

    /// Says once what each missing hook means.
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
            version: options.version, kernel: host.kernel, hooks: probe.attachedNames)
        start.host = host.name
        start.machine = host.machine
        start.cpus = host.cpus
        start.command = CommandLine.arguments
        start.ownInode = NetworkNamespaces.own
        start.localOffset = Clock.localOffset
        start.thresholds = options.thresholds
        return start
    }

    private mutating func drainAll(at now: UInt64) {
        pipeline.now = now
        probe.drainAll { pipeline.take($0) }
        pipeline.settle(now: now)
    }

    /// Waits for the end of the bind() calls that are under way: where it is not seen, for 0.1 s.
    private mutating func awaitAttempts() {
        for _ in 0..<Self.lastChecks where probe.checkAttempts() && probe.pendingAttempts > 0 {
            usleep(10_000)
        }
    }

    /// Writes the summary and the reports; a failure of one does not keep back the others.
    private mutating func finish(duration: UInt64, _ losses: [String]) -> Outcome {
        var failure: SystemError?
        // What a full disk drops now is still counted.
        do throws(SystemError) { try pipeline.sinks.flush(poller) } catch { failure = error }
        pipeline.now = Clock.monotonic
        let isNone = options.judgesHostInstead && pipeline.sawNoneChosen
        let hostInstead = isNone ? "the command has made no connect" : nil
        if let hostInstead {
            pipeline.ledger.chooseAll()
            complain(RunText.host(hostInstead).bytes)
        }
        let summary = pipeline.finish(duration: duration, reconciler.accuracy)
        let late = pipeline.sinks.finish()
        return Outcome(
            summary: summary, hostInstead: hostInstead, losses: losses, failure: failure ?? late)
    }

    private mutating func follow(since start: UInt64) throws(SystemError) {
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
            guard try serve(ready) else { return }

            let isBinding = probe.checkAttempts()
            let now = Clock.monotonic
            pipeline.now = now
            let count = probe.drain { pipeline.take($0) }
            let isDrained = count < Probe.drainLimit
            // With more in the ring, what seems to be over may have been taken up again since.
            if isDrained { pipeline.settle(now: now) }
            nextDrain = isDrained ? now + Self.drainInterval : now
            let isQuiet = count == 0 && !isBinding
            emptyDrains = isQuiet ? emptyDrains + 1 : 0
            if isQuiet { probe.askForWakeUp() }
            if isDrained { try reconciler.afterDrain(now, &probe, &pipeline) }
            if now >= nextTick { try refresher.secondPassed(&probe, &pipeline) }
            if isDrained {
                try reconciler.lookBeforeReporting(
                    now, isSecond: now >= nextTick, &probe, &pipeline)
            }
            try refresher.beforeReporting(&probe, &pipeline)
            pipeline.reportFailures()
            if now >= nextTick {
                try secondPassed(at: now, since: start)
                nextTick += (now - nextTick) / Self.tickInterval * Self.tickInterval
                nextTick += Self.tickInterval
            }
            try pipeline.sinks.flush(poller)
            if let end, now >= end { return }
        }
    }

    /// - Returns: false when the trace is to end.
    private func serve(_ ready: [Int32]) throws(SystemError) -> Bool {
        for sink in pipeline.sinks.all { try sink.checkReader(ready) }
        for observer in observers where !(try observer.serve(ready, poller, pipeline)) {
            return false
        }
        return true
    }

    private mutating func secondPassed(at now: UInt64, since start: UInt64) throws(SystemError) {
        pipeline.setClock(realtimeOffset: Clock.realtimeOffset, localOffset: Clock.localOffset)
        let ticks = pipeline.secondPassed(at: now, lost: probe.lost)
        reconciler.secondPassed(probe)
        for observer in observers {
            try observer.secondPassed(at: now, ticks, pipeline, reconciler.accuracy)
        }
        guard pipeline.sinks.takeProgress, now >= nextProgress else { return }
        let spent = Clock.processorTime
        pipeline.reportProgress(at: now, duration: now - start, reconciler.accuracy)
        // Many tuples take some time: no more than a fiftieth of a CPU.
        nextProgress = now + max(Self.progressInterval, 50 * (Clock.processorTime - spent))
    }
}
