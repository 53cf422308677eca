import ArgumentParser
import PortModel
import Probe
import Report

struct TraceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Trace until Ctrl-C, then print a summary (what `portgauge` alone does).",
        discussion: """
            Examples:
              portgauge                                  everything, for a person
              portgauge --events failures                only what goes wrong
              portgauge --remote 10.0.0.9:443 --duration 60
              portgauge --output json --events all > trace.jsonl
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "How to write: text, or json with one object a line.")
    var output = Format.text

    @Option(
        help: ArgumentHelp(
            "What to write: all records; notable: each connection while that can be read, else a "
                + "line a tuple and second; failures and alerts only."))
    var events = EventChoice.Level.notable

    @Option(
        help: ArgumentHelp("Warn when a tuple holds so much of its ports.", valueName: "percent,…"),
        transform: thresholds)
    var warnAt = Watch.defaultThresholds

    @Option(help: ArgumentHelp("End after so long.", valueName: "seconds"), transform: duration)
    var duration: Double?

    @OptionGroup var filters: FilterOptions

    func run() throws {
        var trace = try Trace(
            options: Trace.Options(
                isJSON: output == .json, events: events, thresholds: warnAt, duration: duration,
                filter: filters.filter))
        try trace.run()
    }

    static func thresholds(_ text: String) throws -> [Int] {
        let percents = try text.split(separator: ",", omittingEmptySubsequences: false).map {
            guard let percent = Int(digits: $0), (1...100).contains(percent) else {
                throw ValidationError("'\($0)' is no whole number from 1 to 100")
            }
            return percent
        }
        return Set(percents).sorted()
    }

    static func duration(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds > 0, seconds <= 1e9 else {
            throw ValidationError("it must be a number of seconds greater than 0")
        }
        return seconds
    }
}

extension EventChoice.Level: ExpressibleByArgument {}
