import Events
import LinuxSystem
import PortModel
import Report

/// Makes the reports of a run from the lines of its recording, so that both give the same report.
package final class ReportSink: EventSink {
    private let writer = JSONWriter()
    private var line = TextBuffer()
    private var reader = RecordingReader()
    private let files: [ReportFile]

    package init(_ files: [ReportFile]) { self.files = files }

    package func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        if case .progress = event { return }
        line.clear()
        writer.write(event, at: time, in: context, to: &line)
        // Without the newline. There is nothing in our own lines that could not be read.
        try? reader.take(line: line.bytes, 0..<line.bytes.count - 1)
    }

    package func finish() throws(SystemError) {
        let runs = (try? reader.finish()) ?? []
        var failure: SystemError?
        for file in files {
            do throws(SystemError) { try file.write(runs) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }
}
