import ArgumentParser
import Glibc
import LoadGenerator
import Probe

@main
struct Portgauge: ParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "portgauge",
        abstract: "Watches ephemeral ports: who holds them, and who fails for want of one.",
        version: version,
        subcommands: [
            TraceCommand.self, SnapshotCommand.self, DemoCommand.self, DoctorCommand.self,
            LoadCommand.self,
        ],
        defaultSubcommand: TraceCommand.self)

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as ProbeError {
            complain(error.description)
            Glibc.exit(1)
        } catch let error as SystemError {
            complain(error.description)
            Glibc.exit(1)
        } catch {
            exit(withError: error)
        }
    }
}
