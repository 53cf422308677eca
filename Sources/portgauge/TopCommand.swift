import ArgumentParser
import Probe
import Tracing

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch live, on a full screen, which tuples hold how many of their ports.",
        discussion: """
            Refreshed each second: how full each tuple and bind pool is, the trend, connects a second, \
            when it will have run out, and what failed. Press ? for the keys. The summary follows \
            when it ends.

            Examples:
              portgauge top
              portgauge top --remote 10.0.0.9:443
              portgauge top --comm nginx --no-summary
            """)

    @Flag(inversion: .prefixedNo, help: "Print a summary at the end.")
    var summary = true

    @OptionGroup var ending: DurationOption

    @OptionGroup var tracing: TracingOptions

    func validate() throws {
        guard tracing.outputs.record != "-" else {
            throw ValidationError("--record - has no standard output here: give it a file")
        }
    }

    func run() throws {
        var options = tracing.options
        options.duration = ending.duration
        options.events = nil
        options.summary = summary
        let view = try TopObserver(thresholds: options.thresholds)
        var trace = try TraceLoop(options: options, observers: [view])
        try trace.run().check()
    }
}
