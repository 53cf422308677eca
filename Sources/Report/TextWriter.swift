import PortModel

/// Writes events as lines for a person: the event in a column, then the tuple, then how full it
/// is, then who. A line takes 100 columns or fewer, except where names or addresses are long.
package struct TextWriter: Sendable {
    private let style: Style

    /// - Parameter colour: only ever for a terminal.
    package init(colour: Bool) { style = Style(enabled: colour) }

    /// Appends `event`, with a newline; most are one line.
    ///
    /// - Parameter time: when it happened, in CLOCK_MONOTONIC nanoseconds.
    package func write(
        _ event: Event, at time: UInt64, in surroundings: Surroundings, to line: inout Line
    ) {
        switch event {
        case .start(let start): write(start, time, surroundings, &line)
        case .connection(let change): write(change, surroundings, &line)
        case .failure(let failure): write(failure, surroundings, &line)
        case .alert(let alert): write(alert, surroundings, &line)
        case .tick(let tick): write(tick, time, surroundings, &line)
        case .lost(let count):
            begin("LOST", .alarm, time, surroundings, &line)
            line.append(grouped: count)
            line.append(" records: the ring buffer was full; the counts are made exact again\n")
        case .audit(let audit): write(audit, time, surroundings, &line)
        case .namespace(let news): write(news, time, surroundings, &line)
        case .summary(let summary):
            SummaryWriter(style: style).write(summary, in: surroundings, to: &line)
        }
    }

    private func write(
        _ start: Event.Start, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        begin("start", .plain, time, surroundings, &line)
        line.append("portgauge ")
        line.append(start.version)
        line.append(" on Linux ")
        line.append(start.kernel)
        line.append(": tracing; Ctrl-C ends it with a summary\n")
    }

    private func write(
        _ audit: Audit, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        begin("audit", audit.drift.isEmpty ? .plain : .warning, time, surroundings, &line)
        line.append(grouped: audit.sockets)
        line.append(" connections in the kernel's table, drift ")
        line.append(grouped: audit.totalDrift)
        line.append(", took ")
        line.append(duration: audit.duration)
        line.append(namespace: audit.netns, surroundings)
        line.append("\n")
        for (tuple, ports) in audit.drift.prefix(10) {
            line.append(indent)
            line.append(tuple)
            line.append(": corrected, ")
            line.append(grouped: abs(ports))
            line.append(ports > 0 ? " fewer held than counted\n" : " more held than counted\n")
        }
    }

    private func write(
        _ news: Event.NamespaceNews, _ time: UInt64, _ surroundings: Surroundings,
        _ line: inout Line
    ) {
        begin("namespace", .plain, time, surroundings, &line)
        line.append(nameOf: news.netns, surroundings)
        switch news.kind {
        case .gone: line.append(" is gone")
        case .found, .changed:
            line.append(news.kind == .changed ? " now has " : " has ")
            line.append(settings: news.namespace)
        }
        line.append("\n")
    }

    private func write(_ change: Change, _ surroundings: Surroundings, _ line: inout Line) {
        let label: StaticString =
            switch change.kind {
            case .opened: "open"
            case .established: "established"
            case .closed: "close"
            case .released: "release"
            case .connecting, .failed: ""
            }
        begin(label, .plain, change.time, surroundings, &line)
        fill(change.tuple, change.localPort, change.held, change.usable, &line)
        line.append(change.process)
        if case .closed(let timeWait, let lived, let error) = change.kind {
            if let error {
                line.append(" ")
                style.begin(.warning, &line)
                line.append(surroundings.errnoName(Int32(error)))
                style.end(&line)
            } else if let lived {
                line.append(" ")
                line.append(duration: lived)
            }
            if timeWait { line.append(" TIME_WAIT") }
        }
        end(change.tuple, surroundings, &line)
    }

    private func write(_ failure: Failure, _ surroundings: Surroundings, _ line: inout Line) {
        let change = failure.change
        begin("FAILURE", .alarm, change.time, surroundings, &line)
        fill(change.tuple, change.localPort, change.held, change.usable, &line)
        line.append(change.process)
        end(change.tuple, surroundings, &line)
        line.append(indent)
        if failure.count > 1 {
            line.append(grouped: failure.count)
            line.append(" x ")
        }
        line.append("connect(): EADDRNOTAVAIL, ")
        switch failure.cause {
        case .noPort:
            line.append("no local port left; the kernel searched ")
            line.append(duration: failure.search)
        case .boundPortInUse:
            line.append("its own port has a connection there already")
        }
        line.append("\n")
    }

    private func write(_ alert: Alert, _ surroundings: Surroundings, _ line: inout Line) {
        let recovered = alert.level == 0
        begin(recovered ? "recovered" : "ALERT", .warning, alert.time, surroundings, &line)
        fill(alert.tuple, 0, alert.held, alert.usable, &line)
        line.append(tenths: alert.percent)
        line.append(" % held")
        if !recovered {
            line.append(", crossed ")
            line.append(alert.level)
            line.append(" %")
        }
        end(alert.tuple, surroundings, &line)
    }

    private func write(
        _ tick: Tick, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        begin("1 s", .plain, time, surroundings, &line)
        fill(tick.tuple, 0, tick.held, tick.usable, &line)
        line.append("+")
        line.append(grouped: tick.since.opened)
        line.append(" -")
        line.append(grouped: tick.since.closed)
        if tick.since.failed > 0 {
            line.append(" ")
            style.begin(.alarm, &line)
            line.append("failed ")
            line.append(grouped: tick.since.failed)
            style.end(&line)
        }
        if tick.timeWait > 0 {
            line.append(" tw ")
            line.append(grouped: tick.timeWait)
        }
        end(tick.tuple, surroundings, &line)
    }

    // MARK: The columns

    private let indent: StaticString = "             "

    private func begin(
        _ label: StaticString, _ tone: Style.Tone, _ time: UInt64, _ surroundings: Surroundings,
        _ line: inout Line
    ) {
        style.begin(.faint, &line)
        surroundings.timestamps.appendLocal(time, to: &line)
        style.end(&line)
        line.append(" ")
        style.begin(tone, &line)
        let start = line.bytes.count
        line.append(label)
        line.pad(to: 12, since: start)
        style.end(&line)
    }

    /// The tuple, and how full it is.
    private func fill(
        _ tuple: Tuple, _ localPort: UInt16, _ held: Int, _ usable: Int, _ line: inout Line
    ) {
        let start = line.bytes.count
        line.append(tuple, localPort: localPort)
        line.pad(to: 34, since: start)
        let count = line.bytes.count
        line.append(" ")
        line.append(grouped: held)
        line.append("/")
        line.append(grouped: usable)
        line.append(" ")
        line.pad(to: 15, since: count)
    }

    private func end(_ tuple: Tuple, _ surroundings: Surroundings, _ line: inout Line) {
        line.append(namespaceOf: tuple, surroundings)
        line.append("\n")
    }
}
