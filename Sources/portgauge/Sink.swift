import Events
import PortModel
import Probe
import Report

/// One reader of the events: an output, a form, and what is wanted there.
struct Sink: ~Copyable {
    private var writer: EventWriter
    private let isJSON: Bool
    /// Without it there is nothing to trace for.
    private let isVital: Bool
    /// Nil: nothing but the summary.
    private var choice: EventChoice?
    private var output: Output
    private var isAwaited = false
    private var error: ProbeError?
    private var line = TextBuffer()

    /// Ticks in the text for one second.
    private static let tickLines = 10

    /// - Parameter isVital: what goes wrong with `output` is thrown; else only nothing more is written.
    init(
        _ output: consuming Output, writer: EventWriter, events level: EventChoice.Level?,
        isVital: Bool = true
    ) {
        self.output = output
        self.isVital = isVital
        self.writer = writer
        choice = level.map { EventChoice($0) }
        if case .json = writer { isJSON = true } else { isJSON = false }
    }

    /// Lines that were dropped because the reader was too slow, or the disk full.
    var dropped: Int { output.dropped }

    // MARK: Events

    /// Whether a line for such a change is wanted; counts it in.
    mutating func wants(_ kind: Change.Kind) -> Bool { choice?.wants(kind) ?? false }

    /// Writes `event`, if it is wanted: all are asked about but a connection, which `wants` tells.
    ///
    /// - Parameter always: not dropped, however much is waiting.
    mutating func take(
        _ event: Event, at time: UInt64, in context: RenderContext, always: Bool = false
    ) {
        guard wants(event), error == nil else { return }
        line.clear()
        writer.write(event, at: time, in: context, to: &line)
        do throws(ProbeError) {
            try output.append(line.bytes, always: always)
        } catch {
            self.error = error
        }
    }

    private func wants(_ event: Event) -> Bool {
        guard let choice else {
            if case .summary = event { return true }
            return false
        }
        switch event {
        case .namespace(let news):
            return choice.wantsNamespaces(changed: news.kind != .found, always: isJSON)
        case .tick, .bindPool: return choice.wantsTicks(always: isJSON)
        // Those without a difference are told only where everything is.
        case .audit(let audit): return isJSON || choice.level == .all || !audit.drift.isEmpty
        case .start, .connection, .failure, .alert, .lost, .summary, .progress, .snapshot:
            return true
        }
    }

    /// A second's ticks: for a person those of the fullest only.
    mutating func take(_ ticks: [Tick], at now: UInt64, in context: RenderContext) {
        guard let choice, choice.wantsTicks(always: isJSON) else { return }
        guard !isJSON, ticks.count > Self.tickLines else {
            for tick in ticks { take(.tick(tick), at: now, in: context) }
            return
        }
        let fullest = ticks.sorted { $0.usage.share > $1.usage.share }
        for tick in fullest.prefix(Self.tickLines) {
            take(.tick(tick), at: now, in: context)
        }
    }

    mutating func secondPassed() { choice?.tick() }

    /// Text is for so many columns from now on; nil if that is unknown.
    mutating func resize(columns: Int?) {
        if case .text(var text) = writer {
            text.resize(columns: columns)
            writer = .text(text)
        }
    }

    // MARK: Output

    /// Writes what the reader takes without waiting.
    mutating func flush() throws(ProbeError) {
        if let error { return try fail(error) }
        do throws(ProbeError) { try output.flush() } catch { try fail(error) }
    }

    private mutating func fail(_ error: ProbeError) throws(ProbeError) {
        if isVital { throw error }
        self.error = error
    }

    /// The same, and has `poller` tell when the reader takes more.
    mutating func flush(_ poller: borrowing Poller) throws(ProbeError) {
        try flush()
        let awaits = output.isWaiting && error == nil
        guard awaits != isAwaited else { return }
        isAwaited = awaits
        try watchReader(poller)
    }

    /// Has `poller` tell when the reader goes away, even while there is nothing to write.
    func watchReader(_ poller: borrowing Poller) throws(ProbeError) {
        guard let descriptor = output.pollable else { return }
        guard isVital || isAwaited else { return poller.forget(descriptor) }
        try poller.watch(descriptor, for: isAwaited ? .writable : [])
    }

    /// - Parameter ready: what the poller told.
    func checkReader(_ ready: [Int32]) throws(ProbeError) {
        guard let descriptor = output.pollable, ready.contains(descriptor), !isAwaited else {
            return
        }
        throw output.readerGone
    }

    /// Nothing has come of it: removes the file that was made.
    func remove() { output.remove() }

    /// Writes all that is left, for as long as the reader takes.
    mutating func finish() throws(ProbeError) {
        if let error { return try fail(error) }
        do throws(ProbeError) { try output.finish() } catch { try fail(error) }
    }
}
