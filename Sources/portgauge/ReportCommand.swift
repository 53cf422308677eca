import ArgumentParser
import Events
import Glibc
import LinuxSystem
import Report
import Tracing

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Make the report of a run again from its recording (--record).",
        discussion: """
            Several recordings, such as those of all hosts of one load test, make one report with a \
            column for each host. A recording that breaks off, because its tracer was killed or its \
            disk was full, makes a report as far as it goes.

            Examples:
              portgauge report trace.jsonl
              portgauge report --html report.html web-1.jsonl web-2.jsonl web-3.jsonl
              zstdcat trace.jsonl.zst | portgauge report -
              portgauge report --format json trace.jsonl | jq '.hosts[0].summary.failed'
            """)

    @Argument(
        help: ArgumentHelp("Recordings; -: standard input.", valueName: "file"))
    var files: [String]

    @Option(help: "How to write: text, or json as one object.")
    var format = TraceCommand.Format.text

    @Option(
        help: ArgumentHelp(
            "Write one HTML page with charts there, and nothing to standard output.",
            valueName: "file"))
    var html: String?

    func validate() throws {
        guard files.count(where: { $0 == "-" }) <= 1 else {
            throw ValidationError("standard input can be read only once")
        }
        if let html, html.isEmpty || html == "-" {
            throw ValidationError("--html needs the name of a file")
        }
    }

    func run() throws {
        var runs: [RunReport] = []
        let page = try html.map { try ReportFile(ReportFile.Target(path: $0, form: .html)) }
        for file in files { runs += try Self.read(file) }
        if let page { return try page.write(runs) }
        let form: ReportWriter.Form =
            format == .json
            ? .json : .text(layout: Layout(columns: Terminal.width), colour: Terminal.wantsColour)
        var line = TextBuffer()
        ReportWriter(form).write(runs, to: &line)
        var output = try Output(ifFull: "free some space and make the report again")
        try output.append(line.bytes, always: true)
        try output.finish()
    }

    private static func read(_ path: String) throws -> [RunReport] {
        var input = try Input(path)
        var reader = RecordingReader()
        do {
            while try input.read() { try reader.take(input.bytes, count: input.count) }
            return try reader.finish()
        } catch let problem as RecordingProblem {
            throw RecordingError(name: input.name, problem: problem)
        }
    }
}

/// Why no report can be made of a file.
struct RecordingError: Error, CustomStringConvertible {
    var name: String
    var problem: RecordingProblem

    var description: String { "read \(name): \(reason)" }

    private var reason: String {
        switch problem {
        case .empty: "it is empty (give the file that --record wrote)"
        case .foreign:
            "it is no recording (give the file that --record wrote; if it is compressed, uncompress "
                + "it)"
        case .tooMany: "it has too many recordings in a row (give those of one load test)"
        case .newer(let version):
            "portgauge \(version) wrote it, and this is \(Portgauge.version), which cannot read it "
                + "(use that version, or a later one)"
        }
    }
}
