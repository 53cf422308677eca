import Events

/// Writes the report of one run, or of several hosts of one load test side by side.
package struct ReportWriter: Sendable {
    private let form: Form

    package enum Form: Sendable {
        case text(layout: Layout, colour: Bool)
        /// One object.
        case json
        /// One page, with charts.
        case html
    }

    package init(_ form: Form) { self.form = form }

    /// Appends the report of at least one run.
    package func write(_ runs: [RunReport], to line: inout TextBuffer) {
        switch form {
        case .json: JSONWriter().write(ReportDocument(hosts: runs), to: &line)
        case .html: line += HTMLPage(runs).text
        case .text(let layout, let colour):
            let writer = TextWriter(colour: colour, layout: layout)
            line += runs.count == 1 ? writer.text(of: runs[0]) : writer.text(of: runs)
        }
    }
}

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
