import PortModel

/// What the lines of events have in columns.
extension TextWriter {
    private static let labelColumns = 12

    /// Where a line goes on.
    var indent: Int { layout.isStacked ? 2 : timeColumns + 1 }

    /// The time and the event.
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

    /// The tuple, and how full it is.
    mutating func fill(
        _ tuple: Tuple, _ localPort: UInt16, _ held: Int, _ usable: Int,
        _ context: RenderContext, _ line: inout TextBuffer
    ) {
        let start = beginSubject(&line)
        line.append(tuple, localPort: localPort, context)
        fill(held, usable, since: start, &line)
    }

    /// The pool that a bind() chooses from, and how full it is.
    mutating func fill(
        _ key: BindPool.Key, _ port: UInt16, _ usage: PortUsage, _ line: inout TextBuffer
    ) {
        let start = beginSubject(&line)
        line.append("bind ")
        line.append(key.local, port: port)
        fill(usage.held, usage.usable, since: start, &line)
    }

    /// Returns where it begins: on the next line, if this one has no room.
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

    /// The namespace, if it does not go without saying; what follows the figures goes on to a line of
    /// its own, if it has no room.
    func end(_ netns: UInt32, _ context: RenderContext, _ line: inout TextBuffer) {
        line.append(namespace: netns, context)
        if let columns = layout.columns {
            line.fold(at: details, width: columns, indent: indent)
        }
        line.append("\n")
    }
}
