import Events
import Glibc
import PortModel
import Probe
import Report

/// All who read the events of a trace: what is shown, a recording, and the reports.
struct Sinks: ~Copyable {
    private var shown: Sink
    /// Where that goes.
    private let descriptor: Int32
    private let endsWithSummary: Bool
    /// Takes every event.
    private var recording: Sink?
    /// Nil unless a report is to be written.
    private var report: ReportSink?
    let isRecorded: Bool
    private let isForCommand: Bool

    init(_ options: borrowing Trace.Options) throws(ProbeError) {
        isRecorded = options.record != nil
        isForCommand = options.isForCommand
        if options.record == "-" {
            recording = Self.recording(try Output(ifFull: Self.ifFull))
        } else {
            recording = nil
        }
        // Standard output then has nothing but the recording, or is the command's, which shares
        // standard error.
        let isTaken = options.record == "-" || options.isForCommand
        let descriptor = isTaken ? STDERR_FILENO : STDOUT_FILENO
        let name = isTaken ? "standard error" : "standard output"
        shown = Sink(
            try Output(descriptor, name: name),
            writer: options.isJSON
                ? .json(JSONWriter())
                : .text(
                    TextWriter(
                        colour: Terminal.wantsColour(on: descriptor),
                        layout: Layout(columns: Terminal.width(of: descriptor)))),
            events: options.events, isVital: !options.isForCommand)
        self.descriptor = descriptor
        endsWithSummary = options.summary
        report = options.reports.isEmpty ? nil : ReportSink()
    }

    /// Has every event written to a file, which is made, or emptied.
    mutating func record(to path: String) throws(ProbeError) {
        recording = Self.recording(try Output(creating: path, ifFull: Self.ifFull))
    }

    /// Nothing has come of it.
    func removeRecording() { recording?.remove() }

    private static func recording(_ output: consuming Output) -> Sink {
        Sink(output, writer: .json(JSONWriter()), events: .all)
    }

    private static let ifFull =
        "the end of the recording is missing, what there is makes a report: free some space and trace "
        + "again"

    /// Lines that were dropped because a reader was too slow, or the disk full.
    var dropped: Int {
        mutating get { shown.dropped + (recording?.dropped ?? 0) }
    }

    /// The terminal may have changed.
    mutating func resize() { shown.resize(columns: Terminal.width(of: descriptor)) }

    // MARK: Events

    /// A connection: no report needs one.
    mutating func take(_ change: Change, in context: RenderContext) {
        if shown.wants(change.kind) {
            shown.take(.connection(change), at: change.time, in: context)
        }
        if recording?.wants(change.kind) == true {
            recording?.take(.connection(change), at: change.time, in: context)
        }
    }

    /// - Parameter event: any but a connection, a progress or a summary.
    mutating func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        if isShown(event) { shown.take(event, at: time, in: context) }
        recording?.take(event, at: time, in: context)
        report?.take(event, at: time, in: context)
    }

    /// A command has a start line of its own, and Ctrl-C ends the command.
    private func isShown(_ event: Event) -> Bool {
        if case .start = event { !isForCommand } else { true }
    }

    /// A second's ticks, the last of its events.
    mutating func take(_ ticks: [Tick], at now: UInt64, in context: RenderContext) {
        shown.take(ticks, at: now, in: context)
        recording?.take(ticks, at: now, in: context)
        for tick in ticks { report?.take(.tick(tick), at: now, in: context) }
        shown.secondPassed()
    }

    /// What a recording has in case that it breaks off.
    mutating func take(progress: Summary, at now: UInt64, in context: RenderContext) {
        recording?.take(.progress(progress), at: now, in: context)
    }

    /// However much is waiting.
    mutating func take(summary: Summary, at now: UInt64, in context: RenderContext) {
        let event = Event.summary(summary)
        if endsWithSummary { shown.take(event, at: now, in: context, always: true) }
        recording?.take(event, at: now, in: context, always: true)
        report?.take(event, at: now, in: context)
    }

    // MARK: Output

    /// Writes what the readers take without waiting.
    mutating func flush() throws(ProbeError) {
        try shown.flush()
        try recording?.flush()
    }

    /// The same, and has `poller` tell when a reader takes more.
    mutating func flush(_ poller: borrowing Poller) throws(ProbeError) {
        try shown.flush(poller)
        try recording?.flush(poller)
    }

    /// Has `poller` tell when a reader goes away, even while there is nothing to write.
    func watchReaders(_ poller: borrowing Poller) throws(ProbeError) {
        try shown.watchReader(poller)
        try recording?.watchReader(poller)
    }

    /// - Parameter ready: what the poller told.
    func checkReaders(_ ready: [Int32]) throws(ProbeError) {
        try shown.checkReader(ready)
        try recording?.checkReader(ready)
    }

    /// What a report is made from, when all is told; nothing if none is to be made.
    mutating func runs() -> [RunReport] { report?.finish() ?? [] }

    /// Writes all that is left, for as long as the readers take; what goes wrong with one of them does not
    /// keep back the other.
    ///
    /// - Parameter failure: the first one.
    mutating func finish(_ failure: inout ProbeError?) {
        do throws(ProbeError) { try recording?.finish() } catch { failure = failure ?? error }
        do throws(ProbeError) { try shown.finish() } catch { failure = failure ?? error }
    }
}
