import Events

/// Either form of the output.
package enum EventWriter: Sendable {
    case text(TextWriter)
    case json(JSONWriter)

    /// Appends `event` as one or more whole lines.
    ///
    /// - Parameter time: when it happened, in CLOCK_MONOTONIC nanoseconds.
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
