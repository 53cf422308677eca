import Events
import Report

/// What the reports of a run are made from while it goes on: the lines that a recording of it would have,
/// so that a report from a recording is the same.
struct ReportSink {
    private let writer = JSONWriter()
    private var line = TextBuffer()
    private var reader = RecordingReader()

    /// - Parameter event: any but a connection.
    mutating func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        line.clear()
        writer.write(event, at: time, in: context, to: &line)
        // Without the newline. There is nothing in our own lines that could not be read.
        try? reader.take(line: line.bytes, 0..<line.bytes.count - 1)
    }

    /// The run, once it has come to its end.
    mutating func finish() -> [RunReport] { (try? reader.finish()) ?? [] }
}
