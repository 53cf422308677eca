import PortModel

/// Writes events as lines for a person: the event in a column, then the tuple, then how full it
/// is, then who. Where nothing is known of the width a line takes 100 columns or fewer, except where
/// names or addresses are long.
package struct TextWriter: Sendable {
    let style: Style
    var layout: Layout
    private(set) var timeColumns = 12
    /// Where in the line what follows the figures begins: it stays together.
    var details = 0

    /// - Parameter colour: only ever for a terminal.
    package init(colour: Bool, layout: Layout = Layout()) {
        style = Style(enabled: colour)
        self.layout = layout
    }

    /// From now on lines are for a terminal of so many columns; nil if that is unknown.
    package mutating func resize(columns: Int?) {
        if columns != layout.columns { layout = Layout(columns: columns) }
    }

    /// Appends `event`, with a newline; most are one line.
    ///
    /// - Parameter time: when it happened, in CLOCK_MONOTONIC nanoseconds.
    package mutating func write(
        _ event: Event, at time: UInt64, in context: RenderContext, to line: inout TextBuffer
    ) {
        switch event {
        case .snapshot(let snapshot):
            return SnapshotWriter(style: style, layout: layout)
                .write(snapshot, in: context, to: &line)
        case .summary(let summary), .progress(let summary):
            SummaryWriter(style: style, layout: layout)
                .write(summary, in: context, to: &line)
            return AdviceWriter(style: style, layout: layout)
                .write(summary.advice, in: context, to: &line)
        default: writeLines(event, time, context, &line)
        }
    }

    private mutating func writeLines(
        _ event: Event, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        timeColumns = context.timestamps.columns
        let start = line.bytes.count
        switch event {
        case .start(let start): write(start, time, context, &line)
        case .connection(let change): write(change, context, &line)
        case .failure(let failure): write(failure, context, &line)
        case .alert(let alert): write(alert, context, &line)
        case .tick(let tick): write(tick, time, context, &line)
        case .bindPool(let pool): write(pool, time, context, &line)
        case .lost(let count):
            begin("LOST", .alarm, time, context, &line)
            line.append(grouped: count)
            line.append(" records: the ring buffer was full; the counts are made exact again\n")
        case .audit(let audit): write(audit, time, context, &line)
        case .namespace(let news): write(news, time, context, &line)
        case .snapshot, .summary, .progress: break
        }
        if let columns = layout.columns {
            line.fold(since: start, width: columns, indent: indent)
        }
    }

    private func write(
        _ start: Event.Start, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("start", .plain, time, context, &line)
        line.append("portgauge ")
        line.append(start.version)
        line.append(" on Linux ")
        line.append(start.kernel)
        line.append(": tracing; Ctrl-C ends it with a summary\n")
    }

    private func write(
        _ audit: Audit, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("audit", audit.drift.isEmpty ? .plain : .warning, time, context, &line)
        line.append(grouped: audit.sockets)
        line.append(" connections in the kernel's table, drift ")
        line.append(grouped: audit.totalDrift)
        line.append(", took ")
        line.append(duration: audit.duration)
        line.append(namespace: audit.netns, context)
        line.append("\n")
        for (tuple, ports) in audit.drift.prefix(10) {
            line.append(spaces: indent)
            line.append(tuple, context)
            line.append(": corrected, ")
            line.append(grouped: abs(ports))
            line.append(ports > 0 ? " fewer held than counted\n" : " more held than counted\n")
        }
    }

    private func write(
        _ news: Event.NamespaceNews, _ time: UInt64, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        begin("namespace", .plain, time, context, &line)
        line.append(nameOf: news.netns, context)
        switch news.kind {
        case .gone: line.append(" is gone")
        case .found, .changed:
            line.append(news.kind == .changed ? " now has " : " has ")
            line.append(settings: Summary.NamespaceRow(news.namespace, netns: news.netns))
        }
        line.append("\n")
    }

    private mutating func write(
        _ change: Change, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        let label: StaticString =
            switch change.kind {
            case .opened: "open"
            case .established: "established"
            case .closed: "close"
            case .released: "release"
            case .connecting, .failed: ""
            }
        begin(label, .plain, change.time, context, &line)
        fill(change.tuple, change.localPort, change.held, change.usable, context, &line)
        line.append(change.process)
        if case .closed(let timeWait, let lived, let error) = change.kind {
            if let error {
                line.append(" ")
                style.begin(.warning, &line)
                line.append(context.errnoName(Int32(error)))
                style.end(&line)
            } else if let lived {
                line.append(" ")
                line.append(duration: lived)
            }
            if timeWait { line.append(" TIME_WAIT") }
        }
        end(change.tuple.netns, context, &line)
    }

    private mutating func write(
        _ failure: Failure, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("FAILURE", .alarm, failure.time, context, &line)
        let usage = failure.usage
        let port = failure.call.localPort
        switch failure.call.scope {
        case .tuple(let tuple): fill(tuple, port, usage.held, usage.usable, context, &line)
        case .bindPool(let key): fill(key, port, usage, &line)
        }
        line.append(failure.call.process)
        end(failure.call.scope.netns, context, &line)
        line.append(spaces: indent)
        if failure.count > 1 {
            line.append(grouped: failure.count)
            line.append(" x ")
        }
        line.append(failure.call.kind == .connect ? "connect(): " : "bind(): " as StaticString)
        line.append(failure.call.errnoName)
        line.append(", ")
        line.append(failure.call.causeName)
        line.append(": ")
        explain(failure, &line)
        line.append("\n")
        guard let limit = failure.limit, !limit.holders.isEmpty else { return }
        line.append(spaces: indent)
        line.append("bound by ")
        line.append(limit.holders)
        line.append("\n")
    }

    /// Which limit it was, and how high.
    private func explain(_ failure: Failure, _ line: inout TextBuffer) {
        let usage = failure.usage
        switch failure.call.cause {
        case .exhausted where failure.call.kind == .bind:
            line.append("IP_BIND_ADDRESS_NO_PORT leaves it to connect()")
        case .exhausted:
            line.append(grouped: usage.timeWait)
            line.append(" in TIME_WAIT")
            if usage.leavesSomeToOthers { line.append(", others hold the rest") }
        case .blocked:
            line.append(failure.limit)
            return
        case .range:
            line.append("its own ")
            line.append(failure.ownRange)
            line.append(" is full")
        case .collision where failure.call.kind == .bind:
            line.append("that port is in use")
        case .collision:
            line.append("its port has a connection there already")
        case .noAddress:
            line.append("no local address to connect from")
        case .noMemory:
            line.append("the kernel had none for it")
        case nil: break
        }
        if let search = failure.search, failure.call.cause != .collision {
            line.append("; searched ")
            line.append(duration: search)
        }
    }

    private mutating func write(_ alert: Alert, _ context: RenderContext, _ line: inout TextBuffer)
    {
        let recovered = alert.level == 0
        begin(recovered ? "recovered" : "ALERT", .warning, alert.time, context, &line)
        let netns: UInt32
        switch alert.scope {
        case .tuple(let tuple):
            fill(tuple, 0, alert.usage.held, alert.usage.usable, context, &line)
            netns = tuple.netns
        case .bindPool(let key):
            fill(key, 0, alert.usage, &line)
            netns = key.netns
        }
        line.append(tenths: alert.percent)
        line.append(alert.usage.reusable > 0 ? " % used" : " % held" as StaticString)
        if !recovered {
            line.append(", crossed ")
            line.append(alert.level)
            line.append(" %")
        }
        end(netns, context, &line)
        if let forecast = alert.forecast {
            line.append(spaces: indent)
            line.append(forecast)
            line.append("\n")
        }
        explainSearch(alert, &line)
    }

    /// What happens from one half on: the kernel looks at the ports of one parity before the others.
    private func explainSearch(_ alert: Alert, _ line: inout TextBuffer) {
        guard case .tuple = alert.scope, alert.level == 50 || alert.longSearch != nil,
            alert.level >= 50
        else { return }
        line.append(spaces: indent)
        if alert.level == 50 {
            line.append("from here on connect() searches some 100 times longer for a port; so far ")
        } else {
            line.append("connect() searches for a port for ")
        }
        if let search = alert.longSearch {
            line.append(duration: UInt64(search))
        } else {
            line.append("< 100 µs")
        }
        line.append("\n")
    }

    private mutating func write(
        _ pool: BindPool, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("1 s", .plain, time, context, &line)
        fill(pool.key, 0, pool.usage, &line)
        if let top = pool.processes.top { line.append(top) }
        end(pool.key.netns, context, &line)
    }

    private mutating func write(
        _ tick: Tick, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("1 s", .plain, time, context, &line)
        let usage = tick.usage
        fill(tick.tuple, 0, usage.held, usage.usable, context, &line)
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
        if usage.timeWait > 0 {
            line.append(" tw ")
            line.append(grouped: usage.timeWait)
        }
        if usage.reusable > 0 {
            line.append(" reusable ")
            line.append(grouped: usage.reusable)
        }
        if let forecast = tick.forecast, forecast.exhaustedIn ?? 0 > 0 {
            line.append(" ")
            line.append(forecast)
        }
        end(tick.tuple.netns, context, &line)
    }
}
