import Events
import PortModel

/// The columns that lines of events share, and the lines that come by the thousand. These append to
/// the buffer that there is, part after part, and so allocate nothing.
extension TextWriter {
    private static let labelColumns = 12

    /// The column in which a line goes on.
    var indent: Int { layout.isStacked ? 2 : timeColumns + 1 }

    /// Appends the time and the event.
    func begin(
        _ label: StaticString, _ tone: Style.Tone, _ time: UInt64, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        style.begin(.faint, &line)
        context.timestamps.appendText(time, to: &line)
        style.end(&line)
        line.append(" ")
        style.begin(tone, &line)
        let start = line.bytes.count
        line.append(label)
        if !layout.isStacked { line.pad(to: Self.labelColumns, since: start) }
        style.end(&line)
        if layout.isStacked { line.append(" ") }
    }

    /// Appends the tuple, and how full it is.
    mutating func fill(
        _ tuple: Tuple, _ localPort: UInt16, _ held: Int, _ usable: Int,
        _ context: RenderContext, _ line: inout TextBuffer
    ) {
        let start = beginSubject(&line)
        line.appendInterpolation(tuple, localPort: localPort, context)
        fill(held, usable, since: start, &line)
    }

    /// Appends the pool that a bind() chooses from, and how full it is.
    mutating func fill(
        _ key: BindPool.Key, _ port: UInt16, _ usage: PortUsage, _ line: inout TextBuffer
    ) {
        let start = beginSubject(&line)
        line.append("bind ")
        line.appendInterpolation(key.local, port: port)
        fill(usage.held, usage.usable, since: start, &line)
    }

    /// Returns the byte at which it begins: on the next line, if this one has no room.
    private func beginSubject(_ line: inout TextBuffer) -> Int {
        if layout.isStacked {
            // In place of the blank.
            line.truncate(to: line.bytes.count - 1)
            line.append("\n")
            line.append(spaces: indent)
        }
        return line.bytes.count
    }

    private mutating func fill(
        _ held: Int, _ usable: Int, since start: Int, _ line: inout TextBuffer
    ) {
        let hasRoom = layout.makeRoom(forTuple: line.columns(since: start))
        if !hasRoom, layout.columns != nil, !layout.isStacked {
            line.append("\n")
            line.append(spaces: indent + Self.labelColumns + layout.tupleColumns)
        } else {
            line.pad(to: layout.tupleColumns, since: start)
        }
        let count = line.bytes.count
        line.append(" ")
        line.append(grouped: held)
        line.append("/")
        line.append(grouped: usable)
        line.append(" ")
        line.pad(to: 15, since: count)
        details = line.bytes.count
    }

    /// Appends the namespace, if it does not go without saying. The text after the figures goes on to
    /// a line of its own, if it has no room.
    func end(_ netns: UInt32, _ context: RenderContext, _ line: inout TextBuffer) {
        line.appendInterpolation(netns: netns, context)
        if let columns = layout.columns { line.fold(at: details, width: columns, indent: indent) }
        line.append("\n")
    }

    // MARK: Lines that come by the thousand

    mutating func write(_ change: Change, _ context: RenderContext, _ line: inout TextBuffer) {
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
        line.appendInterpolation(change.process)
        if case .closed(let timeWait, let lived, let error) = change.kind {
            if let error {
                line.append(" ")
                style.begin(.warning, &line)
                line.append(context.errnoName(Int32(error)))
                style.end(&line)
            } else if let lived {
                line.append(" ")
                line.appendInterpolation(duration: lived)
            }
            if timeWait { line.append(" TIME_WAIT") }
        }
        end(change.tuple.netns, context, &line)
    }

    mutating func write(
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
            line += " \(style(.alarm, "failed \(grouped: tick.since.failed)"))"
        }
        if usage.timeWait > 0 { line += " tw \(grouped: usage.timeWait)" }
        if usage.reusable > 0 { line += " reusable \(grouped: usage.reusable)" }
        if let forecast = tick.forecast, forecast.exhaustedIn ?? 0 > 0 { line += " \(forecast)" }
        end(tick.tuple.netns, context, &line)
    }
}
