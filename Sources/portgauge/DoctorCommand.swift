import ArgumentParser
import Events
import Glibc
import LinuxSystem
import PortModel
import Probe
import Report

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say whether portgauge can trace here, and which settings will hurt.",
        discussion: """
            The settings are those of the network namespace it is started in, and of every other one \
            where they differ or hurt. Nothing is changed. Without root it says what it can.

            Exit status:
              0  portgauge can trace here, whatever the settings
              1  it cannot: the output says why

            Examples:
              portgauge doctor                settings that hurt, and commands against it
              portgauge doctor --output json  the same for a script
            """)

    @Option(help: "How to write: text, or json as one object.")
    var output = TraceCommand.Format.text

    func run() throws {
        let report = DoctorReport.ofThisHost()
        switch output {
        case .text:
            let text = DoctorText(report, layout: Layout(columns: Terminal.width)).text
            print(String(text), terminator: "")
        case .json: print(report.json)
        }
        if report.refusal != nil { throw ExitCode(1) }
    }
}

// MARK: - Findings

extension DoctorReport {
    /// Tries the hooks, and looks through the network namespaces.
    fileprivate static func ofThisHost() -> DoctorReport {
        var report = DoctorReport(kernel: Host().kernel)
        report.typesPath = TypeInformation.path
        report.typesRefusal = TypeInformation.refusal.map(errnoName)
        report.rightsToTrace = Capability.toAttach.map(Right.init)
        report.rightsForNamespaces = Capability.forNamespaces.map(Right.init)
        report.keptRights = Capability.whileTracing.map(\.name)
        do throws(SystemError) {
            let probe = try Probe(filter: Probe.Filter(), ringBytes: 1 << 16)
            report.hooks = probe.hooks.map { hook in
                Hook(
                    hook.name, purpose: hook.purpose, refusal: hook.refusal.map(errnoName),
                    loss: hook.loss)
            }
        } catch {
            report.refusal = error.description
        }
        var surveys: [NamespaceSurvey] = []
        do throws(SystemError) {
            surveys = [try NamespaceSurvey.own()]
        } catch {
            report.unread = error.description
        }
        let hasOwn = !surveys.isEmpty
        if let others = try? NamespaceSurvey.others() {
            surveys += others.surveys
            report.closed = others.closed
        }
        var namespaces = examine(surveys)[...]
        if hasOwn { report.own = namespaces.popFirst() }
        report.others = Array(namespaces)
        return report
    }

    private static func examine(_ surveys: [NamespaceSurvey]) -> [Namespace] {
        let processes = ProcessList()
        var holders: Set<UInt32> = []
        for socket in surveys.flatMap({ $0.sockets ?? [] })
        where socket.state == .listen || socket.state == .bound { holders.insert(socket.inode) }
        let owners = processes.owners(of: holders)
        let kubernetes = processes.processes.filter { SettingsReview.kubernetes.contains($0.name) }
            .map { (process: $0, netns: ProcessList.netns(of: $0)) }
        return surveys.map { survey in
            let inventory = SettingsReview.Inventory(
                sockets: survey.sockets, owners: owners,
                // Without the right to see where it is, it is taken to be here.
                kubernetes: kubernetes.first {
                    $0.netns ?? NetworkNamespaces.own == survey.found.inode
                }?
                .process)
            return Namespace(
                name: survey.name, inode: survey.found.inode, path: survey.found.path,
                settings: survey.settings, hasSockets: survey.sockets != nil,
                review: SettingsReview(survey.settings, inventory))
        }
    }
}

extension DoctorReport.Right {
    fileprivate init(_ capability: Capability) {
        self.init(capability.name, purpose: capability.purpose, isHeld: capability.isHeld)
    }
}
