import Events
import LinuxSystem
import Report

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
