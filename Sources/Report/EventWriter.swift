import Events

/// Either form of the output.
package enum EventWriter: Sendable {
    case text(TextWriter)
    case json(JSONWriter)

    /// Appends `event`, of `time` in CLOCK_MONOTONIC nanoseconds, as one or more whole lines.
    package mutating func write(
        _ event: Event, at time: UInt64, in context: RenderContext, to line: inout TextBuffer
    ) {
        switch self {
        case .text(var writer):
            writer.write(event, at: time, in: context, to: &line)
            self = .text(writer)
        case .json(let writer): writer.write(event, at: time, in: context, to: &line)
        }
    }
}
