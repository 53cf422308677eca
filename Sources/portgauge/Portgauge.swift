import ArgumentParser
import Glibc
import LinuxSystem
import LoadGenerator

/// The command. What it and its subcommands discuss is also the man page: paragraphs, and then, where they
/// apply, `Exit status:`, `Environment:`, `Files:` and, of each, `Examples:`, with a line for each term
/// and two blanks or more before what is said of it (scripts/manual.swift).
@main
struct Portgauge: ParsableCommand {
    static let version = "0.2.0-dev"

    static let configuration = CommandConfiguration(
        commandName: "portgauge",
        abstract: "Watches ephemeral ports: who holds them, and who fails for want of one.",
        discussion: """
            It follows every outgoing TCP connection of this host, from connect() until its port is \
            free again, and so knows how many ports each tuple (network namespace, local address, \
            remote address, remote port) holds, and how many are left to it. It warns before they run \
            out, tells each call that fails for want of one the moment it happens, and says at the \
            end what would have helped. Tracing takes root, or CAP_BPF, CAP_PERFMON and CAP_SYSLOG.

            Exit status:
              0   all went well
              1   tracing was not possible or the output could not be written: standard error says why
              64  an option is wrong

            Environment:
              COLUMNS   how wide text is to be; else as wide as the terminal
              NO_COLOR  if set, text has no colour, which it has on a terminal only
              TERM      with 'dumb', likewise

            Files:
              /sys/kernel/btf/vmlinux  the kernel's types, without which there is no tracing

            Examples:
              portgauge                see who takes the ports, until Ctrl-C
              portgauge snapshot       look once
              portgauge doctor         see whether it can trace here, and what will hurt
              portgauge help snapshot  see the options of a command
            """,
        version: version,
        subcommands: [
            TraceCommand.self, RunCommand.self, TopCommand.self, ReportCommand.self,
            SnapshotCommand.self, DemoCommand.self, DoctorCommand.self, LoadCommand.self,
        ],
        defaultSubcommand: TraceCommand.self)

    static func main() {
        if CommandLine.arguments.dropFirst().first == "--generate-completion-script" {
            return CompletedPortgauge.main()
        }
        do {
            var command = try parseAsRoot(
                RunCommand.forParser(Array(CommandLine.arguments.dropFirst())))
            try command.run()
        } catch let error where error is SystemError || error is RecordingError {
            complain("\(error)")
            Glibc.exit(1)
        } catch {
            exit(withError: error)
        }
    }
}

/// What shells complete: the options of the default command also where it is not named, of which
/// generated scripts know nothing.
private struct CompletedPortgauge: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Portgauge.configuration.commandName, version: Portgauge.version,
        subcommands: Portgauge.configuration.subcommands)

    @OptionGroup var trace: TraceCommand
}
