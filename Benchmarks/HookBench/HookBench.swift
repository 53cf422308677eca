import ArgumentParser

/// Measures what portgauge's hooks cost.
@main
struct HookBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure what portgauge's hooks cost.",
        subcommands: [
            HooksCommand.self, InstructionsCommand.self, ProgramsCommand.self, LoadCommand.self,
        ],
        defaultSubcommand: HooksCommand.self)
}

/// The load of the bench, as a process of its own: without end.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "load", shouldDisplay: false)

    @Option var shape: SteadyLoad.Shape

    func run() throws {
        try SteadyLoad(SharedCounters(owning: 3)).run(shape)
    }
}
