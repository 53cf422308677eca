import ArgumentParser
import Report
import Tracing

/// What else is made of a trace, besides what it says while it runs.
struct RecordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write every event there as JSON, whatever else is shown; `portgauge report` makes reports "
                + "of it. -: to standard output; the text then goes to standard error.",
            valueName: "file"))
    var record: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write the report there: as JSON or HTML if its name ends in .json or .html, "
                + "else as text.",
            valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write the report there as one HTML page with charts.", valueName: "file"))
    var html: String?

    func validate() throws {
        let files = [("--record", record), ("--report", report), ("--html", html)]
        for (option, name) in files where name == "" {
            throw ValidationError("\(option) needs the name of a file")
        }
        for (option, name) in files.dropFirst() where name == "-" {
            throw ValidationError("\(option) needs a file: standard output has the summary already")
        }
        let given = files.filter { $0.1 != nil }
        for (index, file) in given.enumerated() {
            if let other = given[..<index].first(where: { $0.1 == file.1 }) {
                throw ValidationError("\(other.0) and \(file.0) cannot go to one file")
            }
        }
    }

    /// Which reports are to be written, and where.
    var reports: [ReportFile.Target] {
        [
            report.map { ReportFile.Target(path: $0) },
            html.map { ReportFile.Target(path: $0, form: .html) },
        ].compactMap(\.self)
    }
}
