import Events
import Glibc
import LinuxSystem
import PortModel
import Report

/// Writes events to an output as they come: what is shown, or a recording.
package final class OutputSink: EventSink {
    private var writer: EventWriter
    private let isJSON: Bool
    private let options: Options
    /// Nil: nothing but the summary.
    private var choice: EventChoice?
    private var output: Output
    private var isAwaited = false
    private var error: SystemError?
    private var line = TextBuffer()

    package struct Options: Sendable {
        /// Nil: nothing but the summary.
        package var events: EventChoice.Level?
        package var start = true
        package var summary = true
        package var progress = false
        /// Whether what goes wrong with the output is thrown; if not, nothing more is written.
        package var isVital = true
        /// The descriptor whose terminal's width text follows.
        package var terminal: Int32?

        package init(events: EventChoice.Level?) { self.events = events }
    }

    /// Ticks in the text for one second.
    private static let tickLines = 10

    package init(_ output: consuming Output, writer: EventWriter, options: Options) {
        self.output = output
        self.writer = writer
        self.options = options
        choice = options.events.map { EventChoice($0) }
        if case .json = writer { isJSON = true } else { isJSON = false }
    }

    /// Makes the sink of a recording: every event, as JSON, in a file that is made or emptied, or (`-`) on
    /// standard output.
    package static func recording(to path: String) throws(SystemError) -> OutputSink {
        let ifFull =
            "the end of the recording is missing, what there is makes a report: free some space and "
            + "trace again"
        var options = Options(events: .all)
        options.progress = true
        let output =
            if path == "-" { try Output(ifFull: ifFull) } else {
                try Output(creating: path, ifFull: ifFull)
            }
        return OutputSink(output, writer: .json(JSONWriter()), options: options)
    }

    // MARK: Events

    package var takesConnections: Bool { choice?.takesConnections ?? false }
    package var takesProgress: Bool { options.progress }

    package func take(_ change: Change, in context: RenderContext) {
        guard choice?.wants(change.kind) == true else { return }
        write(.connection(change), at: change.time, in: context)
    }

    package func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        guard wants(event) else { return }
        // However much is waiting, the summary is not dropped.
        if case .summary = event { return write(event, at: time, in: context, always: true) }
        write(event, at: time, in: context)
    }

    private func wants(_ event: Event) -> Bool {
        if case .summary = event { return options.summary }
        if case .progress = event { return options.progress }
        guard let choice else { return false }
        return switch event {
        case .start: options.start
        case .namespace(let news):
            choice.wantsNamespaces(changed: news.kind != .found, always: isJSON)
        case .tick, .bindPool: choice.wantsTicks(always: isJSON)
        // Those without a difference are reported only where everything is.
        case .audit(let audit): isJSON || choice.level == .all || !audit.drift.isEmpty
        default: true
        }
    }

    /// Writes a second's ticks: for a person those of the fullest only.
    package func take(_ ticks: [Tick], at time: UInt64, in context: RenderContext) {
        resize()
        if choice?.wantsTicks(always: isJSON) == true {
            let isMany = !isJSON && ticks.count > Self.tickLines
            let shown =
                isMany
                ? Array(ticks.sorted { $0.usage.share > $1.usage.share }.prefix(Self.tickLines))
                : ticks
            for tick in shown { write(.tick(tick), at: time, in: context) }
        }
        choice?.tick()
    }

    private func write(
        _ event: Event, at time: UInt64, in context: RenderContext, always: Bool = false
    ) {
        guard error == nil else { return }
        line.clear()
        writer.write(event, at: time, in: context, to: &line)
        do throws(SystemError) { try output.append(line.bytes, always: always) } catch {
            self.error = error
        }
    }

    /// Follows the width of the terminal, which may have changed.
    private func resize() {
        guard let terminal = options.terminal, case .text(var text) = writer else { return }
        text.resize(columns: Terminal.width(of: terminal))
        writer = .text(text)
    }

    // MARK: Output

    package var dropped: Int { output.dropped }

    private func attempt(_ body: (inout Output) throws(SystemError) -> Void) throws(SystemError) {
        do throws(SystemError) {
            if let error { throw error }
            try body(&output)
        } catch {
            if options.isVital { throw error }
            self.error = error
        }
    }

    package func flush(_ poller: borrowing Poller) throws(SystemError) {
        try attempt { output throws(SystemError) in try output.flush() }
        let awaits = output.isWaiting && error == nil
        guard awaits != isAwaited else { return }
        isAwaited = awaits
        try watchReader(poller)
    }

    package func watchReader(_ poller: borrowing Poller) throws(SystemError) {
        guard let descriptor = output.pollable else { return }
        guard options.isVital || isAwaited else { return poller.forget(descriptor) }
        try poller.watch(descriptor, for: isAwaited ? .writable : [])
    }

    package func checkReader(_ ready: [Int32]) throws(SystemError) {
        guard let descriptor = output.pollable, ready.contains(descriptor), !isAwaited else {
            return
        }
        throw output.readerGone
    }

    package func finish() throws(SystemError) {
        try attempt { output throws(SystemError) in try output.finish() }
    }

    package func discard() { output.remove() }
}
