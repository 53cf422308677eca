import ArgumentParser
import Glibc
import LinuxSystem
import PortModel
import Report
import Tracing

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Trace while a command runs, then print a summary.",
        discussion: """
            The command has standard input, output and error, signals and the terminal as without \
            portgauge, which writes to standard error only.

            Exit status:
              0-255  the command's own; if a signal killed it, portgauge dies by the same
              3      it succeeded, but what --fail-on names happened; or ports stayed held
              125    tracing was not possible, or the report could not be written
              126    the command cannot be run
              127    there is no such command

            Examples:
              portgauge run -- wrk -t2 -c100 -d30 http://10.0.0.9/
              portgauge run --report ports.txt -- make load-test
              portgauge run --fail-on exhausted,80% --wait-clean -- ./test
            """)

    @Argument(parsing: .postTerminator, help: "What to run, and its arguments, after `--`.")
    var command: [String]

    @Flag(
        help: ArgumentHelp(
            "Name and judge what the whole host does, not only the command and what it starts."))
    var all = false

    @Flag(
        help: ArgumentHelp(
            "Refuse to run where the processes of the command cannot be followed, in place of judging "
                + "the whole host."))
    var only = false

    @Option(
        help: ArgumentHelp(
            "Fail with 3 if a connect() or bind() finds no port (exhausted), so much is used (80%), "
                + "one fails for any cause (failure), or the counts are not exact (inexact).",
            valueName: "what,…"),
        transform: conditions)
    var failOn: [[Verdict.Condition]] = []

    @Option(
        help: ArgumentHelp(
            "First wait until no port of this network namespace is in TIME_WAIT (with --remote: "
                + "towards there), for so long at most: \(defaultWait) if left out.",
            valueName: "seconds"),
        transform: limit)
    var waitClean: Int?

    @Option(help: "What to write to standard error meanwhile.")
    var events = EventWish.none

    @OptionGroup var tracing: TracingOptions

    static let failed: UInt8 = 3
    /// As env and timeout have it.
    static let impossible: UInt8 = 125
    static let defaultWait = 90

    func validate() throws {
        if all, only { throw ValidationError("--all and --only exclude each other") }
        if tracing.outputs.record == "-" {
            throw ValidationError("--record needs a file: standard output is the command's")
        }
    }

    func run() throws {
        // Before anything else: it gets all that portgauge was started with.
        let index = CommandLine.arguments.firstIndex(of: "--")! + 1
        var ending = ChildProcess.Ending.exited(Self.impossible)
        do throws(SystemError) {
            let child = try ChildProcess(argumentsFrom: index)
            try keepStandardDescriptors()
            ending = try run(child)
        } catch {
            complain(error.description)
        }
        switch ending {
        case .exited(let status): throw ExitCode(Int32(status))
        case .killed(let signal): dieBy(signal: signal)
        }
    }

    /// - Returns: how to end.
    private func run(_ child: consuming ChildProcess) throws(SystemError) -> ChildProcess.Ending {
        if let limit = waitClean {
            var wait = try CleanWait(tracing.filters.filter)
            switch try wait.wait(for: child, limit: limit) {
            case .clean: break
            case .commandEnded: return child.wait()
            case .late(let leftovers):
                complain(RunText.unclean(leftovers, after: limit).bytes)
                return .exited(Self.failed)
            }
        }
        let command = try CommandObserver(child)
        var options = options
        options.commandRoot = try command.root(isNeeded: only)
        var hostInstead: String?
        if !all, options.commandRoot == nil {
            options.filter.isOnlyCommand = false
            let reason = "the command cannot be followed from this pid namespace"
            complain(RunText.host(reason).bytes)
            hostInstead = reason
        }
        var trace = try TraceLoop(options: options, observers: [command])
        if let refusal = command.start() {
            trace.discard()
            complain("FAIL \(self.command[0]): \(errnoName(refusal)) (\(Self.remedy(refusal)))")
            return .exited(refusal == ENOENT ? 127 : 126)
        }
        let ending = try follow(&trace, command, hostInstead)
        leaveHooksBehind()
        return ending
    }

    /// Traces until the command has ended, and says what has come of it.
    ///
    /// - Returns: how to end.
    private func follow(
        _ trace: inout TraceLoop, _ command: CommandObserver, _ hostInstead: String?
    ) throws(SystemError) -> ChildProcess.Ending {
        var outcome: TraceLoop.Outcome?
        do throws(SystemError) {
            outcome = try trace.run()
        } catch {
            complain("tracing has ended: \(error.description)")
        }
        let ending = try command.awaitEnd()
        if let failure = outcome?.failure { complain(failure.description) }
        let verdict = Verdict(
            failOn.flatMap { $0 }, on: outcome?.summary, losses: outcome?.losses ?? [])
        complain(
            RunText.verdict(
                verdict, ending: Self.text(ending), outcome?.summary,
                hostInstead: hostInstead ?? outcome?.hostInstead
            ).bytes)
        guard ending == .exited(0) else { return ending }
        if !verdict.findings.isEmpty { return .exited(Self.failed) }
        let isWritten = outcome.map { $0.failure == nil } ?? false
        return .exited(isWritten ? 0 : Self.impossible)
    }

    private var options: TraceLoop.Options {
        var options = tracing.options
        options.filter.isOnlyCommand = !all
        options.judgesHostInstead = !all && !only
        options.events = events.level
        options.summary = tracing.outputs.report == nil
        options.isForCommand = true
        return options
    }

    /// Nil if it succeeded.
    private static func text(_ ending: ChildProcess.Ending) -> String? {
        switch ending {
        case .exited(0): nil
        case .exited(let status): "exit status \(status)"
        case .killed(let signal): "killed by \(signalName(signal))"
        }
    }

    private static func remedy(_ refusal: Int32) -> String {
        switch refusal {
        case ENOENT: "no such command, or what its first line names is missing"
        case EACCES: "it is a folder, or may not be executed"
        default: "it cannot be executed"
        }
    }

    static func conditions(_ text: String) throws -> [Verdict.Condition] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
            switch word {
            case "exhausted": return .exhausted
            case "failure": return .failure
            case "inexact": return .inexact
            default:
                guard word.last == "%", let percent = Int(digits: word.dropLast()),
                    (1...100).contains(percent)
                else {
                    throw ValidationError(
                        "'\(word)' is none of exhausted, failure, inexact, and no percentage from "
                            + "1% to 100%")
                }
                return .share(percent)
            }
        }
    }

    /// What the parser is to see of the arguments: with the value of --wait-clean, as it knows none that
    /// may be left out, and of the command only the name, as that may come with very many.
    static func forParser(_ arguments: [String]) -> [String] {
        var own = Array(arguments.prefix { $0 != "--" })
        guard own.first == configuration.commandName else { return arguments }
        let command = arguments.dropFirst(own.count).prefix(2)
        if let option = own.firstIndex(of: "--wait-clean"),
            !(own[(option + 1)...].first ?? "-").allSatisfy(\.isNumber)
        {
            own.insert(String(defaultWait), at: option + 1)
        }
        return own + command
    }

    static func limit(_ text: String) throws -> Int {
        guard let seconds = Int(digits: text), (1...1_000_000).contains(seconds) else {
            throw ValidationError("it must be a whole number of seconds greater than 0")
        }
        return seconds
    }
}
