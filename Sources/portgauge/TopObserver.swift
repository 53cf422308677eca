import Events
import PortModel
import Probe
import Report

/// Shows the state of a trace on a full screen, and takes keys. It draws a frame only when the one
/// before is out: a terminal that is slow or stopped sees fewer, and the trace does not wait for it.
struct TopObserver: TraceObserver, ~Copyable {
    private var screen: TerminalScreen
    private let signals: TerminalSignals
    private var view: TopView
    private var keys = TopKeyDecoder()
    private var frame = TextBuffer()
    /// Something has changed since the last frame.
    private var isStale = true

    init(thresholds: [Int]) throws(ProbeError) {
        let screen = try TerminalScreen()
        let signals = try TerminalSignals()
        self.screen = screen
        self.signals = signals
        view = TopView(
            colour: Terminal.wantsColour, isUTF8: Terminal.isUTF8, thresholds: thresholds,
            start: Clock.monotonic)
    }

    mutating func begin(
        _ poller: borrowing Poller, _ road: borrowing Road
    ) throws(ProbeError) {
        view.secondPassed(at: Clock.monotonic, road.ledger, [], Accuracy())
        try poller.watch(signals.descriptor, for: .readable)
        try show(poller)
        try draw(poller, road)
    }

    mutating func serve(
        _ ready: [Int32], _ poller: borrowing Poller, _ road: borrowing Road
    ) throws(ProbeError) -> Bool {
        if ready.contains(signals.descriptor) { try heed(signals.take(), poller) }
        if ready.contains(screen.keys) {
            // While it is not watched for keys, it has hung up.
            guard screen.isShown, let bytes = screen.readKeys() else { return false }
            for key in keys.decode(bytes) {
                isStale = true
                guard view.press(key, road.ledger) else { return false }
            }
        }
        try draw(poller, road)
        return true
    }

    mutating func secondPassed(
        at now: UInt64, _ ticks: [Tick], _ road: borrowing Road, _ accuracy: Accuracy
    ) throws(ProbeError) {
        view.secondPassed(at: now, road.ledger, ticks, accuracy)
        isStale = true
    }

    mutating func end() throws(ProbeError) { try screen.hide() }

    // MARK: The terminal

    private mutating func heed(
        _ news: TerminalSignals.News, _ poller: borrowing Poller
    ) throws(ProbeError) {
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
    private mutating func show(_ poller: borrowing Poller) throws(ProbeError) {
        let isOurs = screen.isInForeground
        if isOurs { try screen.show() }
        try poller.watch(screen.keys, for: isOurs ? .readable : [])
    }

    private mutating func draw(
        _ poller: borrowing Poller, _ road: borrowing Road
    ) throws(ProbeError) {
        if isStale, !screen.isBusy {
            if !screen.isShown { try show(poller) }
            if screen.isShown {
                let size = screen.size
                view.draw(
                    TopView.Size(columns: size.columns, rows: size.rows), road.ledger,
                    in: road.context, to: &frame)
                try screen.write(frame.bytes)
            }
            isStale = false
        }
        try screen.flush(poller)
    }
}
