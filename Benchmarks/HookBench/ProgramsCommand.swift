import ArgumentParser
import BenchSupport
import LinuxSystem

/// How many instructions the verifier goes through for each program.
struct ProgramsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "programs", abstract: "What this kernel's verifier says of each program.")

    @OptionGroup var objects: ObjectOptions

    func run() throws {
        let core = try HookSet(objects.object, .everything) { _ in true }
        try printFigures(of: core)
        // Where trampolines are refused, only the others are known.
        do throws(SystemError) {
            try printFigures(of: HookSet(objects.returnValues, .trampolines, sharing: core))
        } catch {
            complain("\(error.action): the trampolines are refused here")
        }
        try printFigures(of: HookSet(objects.returnValues, .systemCalls, sharing: core))
    }

    private func printFigures(of set: HookSet) throws(SystemError) {
        for program in set.programs {
            guard let count = try set.verifiedInstructions(of: program) else { continue }
            printFigure("verified/\(program.name)", Double(count))
        }
    }
}
