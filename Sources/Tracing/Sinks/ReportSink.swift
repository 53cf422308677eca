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

/// A report that is written to a file, as a whole or not at all.
package struct ReportFile {
    package struct Target {
        package var path: String
        package var form: ReportWriter.Form

        /// - Parameter form: nil for what the name of the file asks for.
        package init(path: String, form: ReportWriter.Form? = nil) {
            self.path = path
            self.form = form ?? Self.form(of: path)
        }

        private static func form(of path: String) -> ReportWriter.Form {
            if path.hasSuffix(".html") { return .html }
            return path.hasSuffix(".json") ? .json : .text(layout: Layout(), colour: false)
        }
    }

    private let file: WholeFile
    private let form: ReportWriter.Form

    package init(_ target: Target) throws(SystemError) {
        file = try WholeFile(target.path)
        form = target.form
    }

    package func write(_ runs: [RunReport]) throws(SystemError) {
        var line = TextBuffer()
        ReportWriter(form).write(runs, to: &line)
        try file.write(line.bytes)
    }
}
