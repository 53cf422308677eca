import ArgumentParser
import Report

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
            "At the end, write the report there: as JSON if its name ends in .json, else as text.",
            valueName: "file"))
    var report: String?

    func validate() throws {
        for (name, option) in [(record, "--record"), (report, "--report")] where name == "" {
            throw ValidationError("\(option) needs the name of a file")
        }
        if report == "-" {
            throw ValidationError("--report needs a file: standard output has the summary already")
        }
        if let record, record == report {
            throw ValidationError("--record and --report cannot go to one file")
        }
    }

    /// Which reports are to be written, and where.
    var reports: [ReportFile.Target] {
        report.map { [ReportFile.Target(path: $0, form: ReportFile.form(of: $0))] } ?? []
    }
}
