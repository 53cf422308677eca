import Events
import LinuxSystem
import PortModel
import Report

/// Shows the state of a trace on a full screen, and takes keys. It draws a frame only when the one
/// before is out: a terminal that is slow or stopped sees fewer, and the trace does not wait for it.
package final class TopObserver: TraceObserver {
    private var screen: TerminalScreen
    private let signals: TerminalSignals
    private var view: TopView
    private var keys = TopKeyDecoder()
    private var frame = TextBuffer()
    /// Something has changed since the last frame.
    private var isStale = true

    package init(thresholds: [Int]) throws(SystemError) {
        screen = try TerminalScreen()
        signals = try TerminalSignals()
        view = TopView(
            colour: Terminal.wantsColour, isUTF8: Terminal.isUTF8, thresholds: thresholds,
            start: Clock.monotonic)
    }

    package func begin(
        _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) {
        view.secondPassed(at: Clock.monotonic, pipeline.ledger, [], Accuracy())
        try poller.watch(signals.descriptor, for: .readable)
        try show(poller)
        try draw(poller, pipeline)
    }

    package func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) -> Bool {
        if ready.contains(signals.descriptor) { try heed(signals.take(), poller) }
        if ready.contains(screen.keys) {
            // While it is not watched for keys, it has hung up.
            guard screen.isShown, let bytes = screen.readKeys() else { return false }
            for key in keys.decode(bytes) {
                isStale = true
                guard view.press(key, pipeline.ledger) else { return false }
            }
        }
        try draw(poller, pipeline)
        return true
    }

    package func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ pipeline: borrowing Pipeline, _ accuracy: Accuracy
    ) throws(SystemError) {
        view.secondPassed(at: now, pipeline.ledger, ticks, accuracy)
        isStale = true
    }

    package func end() throws(SystemError) { try screen.hide() }

    // MARK: The terminal

    private func heed(
        _ news: TerminalSignals.News, _ poller: borrowing Poller
    ) throws(SystemError) {
        if news.contains(.stop) {
            try screen.hide()
            signals.stop()
            try show(poller)
        } else if news.contains(.goOn) {
            try show(poller)
        }
        isStale = true
    }

    /// Unless the terminal is another job's: then as soon as it is ours.
    private func show(_ poller: borrowing Poller) throws(SystemError) {
        let isOurs = screen.isInForeground
        if isOurs { try screen.show() }
        try poller.watch(screen.keys, for: isOurs ? .readable : [])
    }

    private func draw(
        _ poller: borrowing Poller, _ pipeline: borrowing Pipeline
    ) throws(SystemError) {
        if isStale, !screen.isBusy {
            if !screen.isShown { try show(poller) }
            if screen.isShown {
                let size = screen.size
                view.draw(
                    TopView.Size(columns: size.columns, rows: size.rows), pipeline.ledger,
                    in: pipeline.context, to: &frame)
                try screen.write(frame.bytes)
            }
            isStale = false
        }
        try screen.flush(poller)
    }
}
