import ArgumentParser
import Events
import Glibc
import LinuxSystem
import PortModel
import Report
import Tracing

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Look once: what each tuple and bind pool holds, and what is left to it.",
        discussion: """
            All network namespaces, the fullest first; 'left' is how many connects would find a port \
            now. Where BPF is not allowed it asks sock_diag, and says what is less exact then.

            Exit status:
              0  nothing is as full as that
              1  something is as full as --warn-at says
              2  something is as full as --fail-at says
              3  nothing could be seen: standard error says why

            Examples:
              portgauge snapshot                            see all
              portgauge snapshot --warn-at 50 --fail-at 90  check, for monitoring
              portgauge snapshot --remote 10.0.0.9          see one peer
              portgauge snapshot --output json | jq '.tuples[0]'
            """)

    @Option(help: "How to write: text, or json as one object.")
    var output = TraceCommand.Format.text

    @Option(
        help: ArgumentHelp("Exit with 1 when so much is used.", valueName: "percent"),
        transform: percent)
    var warnAt: Int?

    @Option(
        help: ArgumentHelp("Exit with 2 when so much is used.", valueName: "percent"),
        transform: percent)
    var failAt: Int?

    @OptionGroup var filters: FilterOptions

    static let warning = ExitCode(1)
    static let failure = ExitCode(2)
    static let unknown = ExitCode(3)

    func run() throws {
        let snapshot: Snapshot
        let context: RenderContext
        do throws(SystemError) {
            let look = try SnapshotTaker.take(filters.filter)
            snapshot = look.snapshot
            context = look.context
            if let refusal = look.refusal {
                complain("by sock_diag, as BPF is not possible: \(refusal)")
            }
        } catch {
            complain(error.description)
            throw Self.unknown
        }
        var writer: EventWriter =
            output == .json
            ? .json(JSONWriter())
            : .text(
                TextWriter(
                    colour: Terminal.wantsColour, layout: Layout(columns: Terminal.width)))
        var line = TextBuffer()
        writer.write(.snapshot(snapshot), at: Clock.monotonic, in: context, to: &line)
        do throws(SystemError) {
            var output = try Output(ifFull: "free some space and look again")
            try output.append(line.bytes, always: true)
            try output.finish()
        } catch {
            complain(error.description)
            throw Self.unknown
        }
        if let failAt, snapshot.worst >= Double(failAt) { throw Self.failure }
        if let warnAt, snapshot.worst >= Double(warnAt) { throw Self.warning }
    }

    static func percent(_ text: String) throws -> Int {
        guard let percent = Int(digits: text[...]), (1...100).contains(percent) else {
            throw ValidationError("'\(text)' is no whole number from 1 to 100")
        }
        return percent
    }
}
