import ArgumentParser
import Events
import LinuxSystem
import PortModel
import Report
import Tracing

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Trace until Ctrl-C, then print a summary (what `portgauge` alone does).",
        discussion: """
            A line tells of a connection, an alert or a failure: time, event, tuple, ports held and \
            usable, process. Tracing never waits for who reads them: what is not taken in time is \
            left out and counted, and the counts are exact all the same.

            Examples:
              portgauge                                      everything, for a person
              portgauge --events failures --since-start      only what goes wrong
              portgauge --remote 10.0.0.9:443 --duration 60  one service, for a minute
              portgauge --comm wrk --warn-at 80              one program, warned of once
              portgauge --output json --events all >t.jsonl  everything, for a script
              portgauge --record trace.jsonl                 for `portgauge report`, later
              portgauge --record - | zstd >trace.jsonl.zst   the same, packed
              portgauge --html report.html --duration 600    with charts, for a browser
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "How to write: text, or json with one object a line.")
    var output = Format.text

    @Option(
        help: ArgumentHelp(
            "What to write: all records; notable: each connection while that can be read, else a "
                + "line a tuple and second; failures and alerts only; none: the summary only."))
    var events = EventWish.notable

    @OptionGroup var ending: DurationOption

    @OptionGroup var tracing: TracingOptions

    func validate() throws {
        if tracing.outputs.record == "-", output == .json {
            throw ValidationError(
                "--record - and --output json cannot both have standard output: --record has every "
                    + "event already, and can go to a file")
        }
    }

    func run() throws {
        var options = tracing.options
        options.duration = ending.duration
        options.isJSON = output == .json
        options.events = events.level
        var trace = try TraceLoop(options: options)
        try trace.run().check()
    }
}

/// Which events are asked for.
enum EventWish: String, ExpressibleByArgument, CaseIterable {
    case all, notable, failures, none

    /// Nil: nothing but the summary.
    var level: EventChoice.Level? { EventChoice.Level(rawValue: rawValue) }
}
