import Events
import PortModel

/// Writes events as lines for a person: the event in a column, then the tuple, then how full it
/// is, then who. Where the width is unknown a line takes 100 columns or fewer, except where names or
/// addresses are long.
package struct TextWriter: Sendable {
    let style: Style
    var layout: Layout
    private(set) var timeColumns = 12
    /// The byte in the line at which the text after the figures begins: it stays together.
    var details = 0

    /// - Parameter colour: only ever for a terminal.
    package init(colour: Bool, layout: Layout = Layout()) {
        style = Style(enabled: colour)
        self.layout = layout
    }

    /// Fits later lines to a terminal of so many columns; nil if that is unknown.
    package mutating func resize(columns: Int?) {
        if columns != layout.columns { layout = Layout(columns: columns) }
    }

    /// Appends `event`, of `time` in CLOCK_MONOTONIC nanoseconds, with a newline; mostly one line.
    package mutating func write(
        _ event: Event, at time: UInt64, in context: RenderContext, to line: inout TextBuffer
    ) {
        timeColumns = context.timestamps.columns
        let start = line.bytes.count
        switch event {
        // These break their lines themselves.
        case .snapshot(let snapshot):
            line += text(of: snapshot, in: context)
            return
        case .summary(let summary), .progress(let summary):
            line += text(of: summary, in: context)
            return
        case .start(let start):
            begin("start", .plain, time, context, &line)
            line += "portgauge \(start.version) on Linux \(start.kernel): "
            line += "tracing; Ctrl-C ends it with a summary\n"
        case .connection(let change): write(change, context, &line)
        case .failure(let failure): write(failure, context, &line)
        case .alert(let alert): write(alert, context, &line)
        case .portsBack(let recovery): write(recovery, time, context, &line)
        case .tick(let tick): write(tick, time, context, &line)
        case .bindPool(let pool):
            begin("1 s", .plain, time, context, &line)
            fill(pool.key, 0, pool.usage, &line)
            if let top = pool.processes.top { line.appendInterpolation(top) }
            end(pool.key.netns, context, &line)
        case .lost(let count):
            begin("LOST", .alarm, time, context, &line)
            line += "\(grouped: count) records: the ring buffer was full; "
            line += "the counts are made exact again\n"
        case .audit(let audit): write(audit, time, context, &line)
        case .namespace(let news): write(news, time, context, &line)
        }
        if let columns = layout.columns { line.fold(since: start, width: columns, indent: indent) }
    }

    private mutating func write(
        _ recovery: Event.Recovery, _ time: UInt64, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        begin("PORTS BACK", .plain, time, context, &line)
        fill(recovery.scope, 0, recovery.usage, context, &line)
        line += "\(grouped: recovery.usage.available) left"
        end(recovery.scope.netns, context, &line)
        line.append(spaces: indent)
        line += "\(recovery.failed, "call") found no port within \(duration: recovery.duration)\n"
    }

    private func write(
        _ audit: Audit, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("audit", audit.drift.isEmpty ? .plain : .warning, time, context, &line)
        line += "\(grouped: audit.sockets) connections in the kernel's table, "
        line += "drift \(grouped: audit.totalDrift), took \(duration: audit.duration)"
        line += "\(netns: audit.netns, context)\n"
        for (tuple, ports) in audit.drift.prefix(10) {
            line += "\(spaces: indent)\(tuple, context): corrected, \(grouped: abs(ports)) "
            line += "\(if: ports > 0, "fewer", else: "more") held than counted\n"
        }
    }

    private func write(
        _ news: Event.NamespaceNews, _ time: UInt64, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        begin("namespace", .plain, time, context, &line)
        line += "\(nameOf: news.netns, context)"
        switch news.kind {
        case .gone: line += " is gone\n"
        case .found, .changed:
            line += "\(if: news.kind == .changed, " now") has \(settings: news.settings)\n"
        }
    }

    private mutating func write(
        _ failure: Failure, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        begin("FAILURE", .alarm, failure.time, context, &line)
        let call = failure.call
        fill(call.scope, call.localPort, failure.usage, context, &line)
        line.appendInterpolation(call.process, of: failure.processes)
        end(call.scope.netns, context, &line)
        line += "\(spaces: indent)\(if: failure.count > 1, "\(grouped: failure.count) x ")"
        line += "\(call.kind.function): \(call.errnoName)\(if: failure.isInferred, " (inferred)"), "
        line += "\(call.causeName): \(failure.reason)\n"
        guard let holders = failure.limit?.holders, !holders.isEmpty else { return }
        let texts = holders.map { TextBuffer("\($0.process) \(grouped: $0.ports)") }
        line += "\(spaces: indent)bound by \(joined: texts)\n"
    }

    private mutating func fill(
        _ scope: PortScope, _ port: UInt16, _ usage: PortUsage, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        switch scope {
        case .tuple(let tuple): fill(tuple, port, usage.held, usage.usable, context, &line)
        case .bindPool(let key): fill(key, port, usage, &line)
        }
    }

    private mutating func write(_ alert: Alert, _ context: RenderContext, _ line: inout TextBuffer)
    {
        let recovered = alert.level == 0
        begin(recovered ? "recovered" : "ALERT", .warning, alert.time, context, &line)
        fill(alert.scope, 0, alert.usage, context, &line)
        line += "\(tenths: alert.percent) % \(if: alert.usage.reusable > 0, "used", else: "held")"
        if !recovered { line += ", crossed \(alert.level) %" }
        end(alert.scope.netns, context, &line)
        if let forecast = alert.forecast { line += "\(spaces: indent)\(forecast)\n" }
        explainSearch(alert, &line)
    }

    /// Explains slow searches: once half the ports are taken, the kernel has tried every port of one
    /// parity before it finds one of the other.
    private func explainSearch(_ alert: Alert, _ line: inout TextBuffer) {
        guard case .tuple = alert.scope, alert.level == 50 || alert.longSearch != nil,
            alert.level >= 50
        else { return }
        line += "\(spaces: indent)"
        line +=
            alert.level == 50
            ? "from here on connect() searches some 100 times longer for a port; so far "
            : "connect() searches for a port for "
        line += alert.longSearch.map { "\(duration: UInt64($0))\n" } ?? "< 100 µs\n"
    }
}

extension Failure {
    /// The states in which most ports are held, and what the cause of such a state is; else how many are
    /// in TIME_WAIT.
    private var holders: TextBuffer {
        let most = heldBy.sorted { ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue) }
            .prefix(2).filter { $0.value * 10 >= usage.held }
        guard !most.isEmpty else { return "\(grouped: usage.timeWait) in TIME_WAIT" }
        let texts = most.map { state, count -> TextBuffer in
            let reason = state.reason
            return "\(grouped: count) in \(state.rawValue)\(if: !reason.isEmpty, ": \(reason)")"
        }
        return "\(joined: texts)"
    }

    /// Names the limit, and how high it is.
    fileprivate var reason: TextBuffer {
        let text: TextBuffer =
            switch call.cause {
            case .exhausted where call.kind == .bind:
                "IP_BIND_ADDRESS_NO_PORT leaves it to connect()"
            case .exhausted:
                "\(holders)\(if: usage.others > 0, ", \(grouped: usage.others) by others")"
            case .blocked: limit.map(\.text) ?? "the range is taken"
            case .range: "its own \(ownRange) is full"
            case .collision where call.kind == .bind: "that port is in use"
            case .collision: "its port has a connection there already"
            case .noAddress where call.kind == .bind: "that address is not there"
            case .noAddress: "no local address to connect from"
            case .noMemory: "the kernel had none for it"
            case .beganBefore: "it began before tracing did"
            case nil: ""
            }
        guard let search, call.cause != .collision, call.cause != .blocked else { return text }
        return "\(text); searched \(duration: search)"
    }
}

extension Failure.Limit {
    /// `of 32768-60999: 1,024 reserved, 20,000 bound`
    fileprivate var text: TextBuffer {
        var parts: [TextBuffer] = []
        if reserved > 0 { parts.append("\(grouped: reserved) reserved") }
        if bound > 0 { parts.append("\(grouped: bound) bound") }
        return "of \(range): \(joined: parts)"
    }
}

extension HoldingState {
    /// What keeps a connection there, where that is no matter of course.
    fileprivate var reason: String {
        switch self {
        case .synSent: "unanswered"
        case .finWait1: "the peer does not acknowledge"
        case .finWait2: "the peer does not close"
        case .closeWait: "the program does not close"
        default: ""
        }
    }
}
