import Events
import Probe
import Report

/// A report that is written to a file, as a whole or not at all.
struct ReportFile {
    struct Target {
        var path: String
        var form: ReportWriter.Form
    }

    private let file: WholeFile
    private let form: ReportWriter.Form

    init(_ target: Target) throws(ProbeError) {
        file = try WholeFile(target.path)
        form = target.form
    }

    /// As the name of the file has it.
    static func form(of path: String) -> ReportWriter.Form {
        if path.hasSuffix(".html") { return .html }
        return path.hasSuffix(".json") ? .json : .text(layout: Layout(), colour: false)
    }

    func write(_ runs: [RunReport]) throws(ProbeError) {
        var line = TextBuffer()
        ReportWriter(form).write(runs, to: &line)
        try file.write(line.bytes)
    }
}
