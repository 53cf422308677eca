import ArgumentParser
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

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    @Option(help: "How to write: text, or json as one object.")
    var output = Format.text

    func run() throws {
        let doctor = Doctor()
        switch output {
        case .text:
            print(DoctorText(doctor, layout: Layout(columns: Terminal.width)).text, terminator: "")
        case .json: print(doctor.json)
        }
        if doctor.refusal != nil { throw ExitCode(1) }
    }
}

/// What has been found.
struct Doctor {
    /// A network namespace, and what its settings do.
    struct Examined {
        let survey: NamespaceSurvey
        let review: SettingsReview
    }

    let kernel = Host().kernel
    /// What this kernel needs, in force or refused; nil where none could be tried.
    let hooks: [Hook]?
    /// Why portgauge cannot trace here; nil if it can.
    let refusal: SystemError?
    /// The namespace of this process; nil if its settings cannot be read, for `unread`.
    let own: Examined?
    let unread: SystemError?
    let others: [Examined]
    /// Network namespaces that cannot be looked into.
    let closed: Int

    init() {
        (hooks, refusal) = Self.tryHooks()
        var surveys: [NamespaceSurvey] = []
        var unread: SystemError?
        do throws(SystemError) { surveys = [try NamespaceSurvey.own()] } catch { unread = error }
        let hasOwn = !surveys.isEmpty
        let others = (try? NamespaceSurvey.others()) ?? (surveys: [], closed: 0)
        surveys += others.surveys
        var examined = Self.examine(surveys)[...]
        own = hasOwn ? examined.popFirst() : nil
        self.unread = unread
        self.others = Array(examined)
        closed = others.closed
    }

    private static func tryHooks() -> ([Hook]?, SystemError?) {
        do throws(SystemError) {
            let probe = try Probe(filter: Probe.Filter(), ringBytes: 1 << 16)
            return (probe.hooks, nil)
        } catch {
            return (nil, error)
        }
    }

    private static func examine(_ surveys: [NamespaceSurvey]) -> [Examined] {
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
            return Examined(survey: survey, review: SettingsReview(survey.settings, inventory))
        }
    }

    /// Other namespaces worth telling of: their settings are not those of this one, or hurt.
    var notable: [Examined] {
        others.filter { $0.review.hurts || !$0.survey.settings.isAlike(own?.survey.settings) }
    }
}

extension NetworkSettings {
    /// The same, whatever namespace they are of.
    fileprivate func isAlike(_ other: NetworkSettings?) -> Bool {
        var copy = self
        copy.namespace.inode = other?.namespace.inode ?? 0
        return copy == other
    }
}

// MARK: - JSON

extension Doctor {
    var json: JSONValue {
        .object([
            ("kernel", .string(kernel)),
            ("can_trace", .bool(refusal == nil)),
            ("reason", .optional(refusal?.description)),
            ("btf", .bool(TypeInformation.refusal == nil)),
            (
                "capabilities",
                .array((Capability.toAttach + Capability.forNamespaces).map(Self.json))
            ),
            ("hooks", .array((hooks ?? []).map(Self.json))),
            ("namespaces", .array(([own].compactMap { $0 } + others).map(json))),
            ("namespaces_closed", .int(closed)),
        ])
    }

    private static func json(_ capability: Capability) -> JSONValue {
        .object([("name", .string(capability.name)), ("held", .bool(capability.isHeld))])
    }

    private static func json(_ hook: Hook) -> JSONValue {
        .object([
            ("name", .string(hook.name)), ("purpose", .string(hook.purpose)),
            ("refusal", .optional(hook.refusal.map(errnoName))),
        ])
    }

    private func json(_ examined: Examined) -> JSONValue {
        let survey = examined.survey
        let settings = survey.settings
        let rules = settings.namespace.timeWait
        let values: [(String, JSONValue)] = [
            ("ip_local_port_range", settings.namespace.pool.range.json),
            ("ip_local_reserved_ports", .string(settings.namespace.pool.reserved.list)),
            ("tcp_tw_reuse", .int(Int(rules.reuse))),
            ("tcp_tw_reuse_delay", settings.hasReuseDelay ? .int(Int(rules.reuseDelay)) : .null),
            ("tcp_timestamps", .bool(rules.timestamps)),
            ("tcp_max_tw_buckets", .int(Int(rules.limit))),
            ("tcp_fin_timeout", .int(Int(settings.finTimeout))),
            ("tcp_tw_recycle", settings.recycles.map { .bool($0) } ?? .null),
        ]
        let findings = examined.review.findings.map { finding in
            JSONValue.object(
                [("verdict", .string(finding.verdict.rawValue))] + finding.fields + [
                    ("text", .string(finding.text)),
                    ("commands", .array(finding.commands(examined.review).map { .string($0) })),
                ])
        }
        return .object([
            ("netns", .optional(survey.name)), ("inode", .int(Int(survey.found.inode))),
            ("path", .string(survey.found.path)),
            ("own", .bool(survey.found.inode == own?.survey.found.inode)),
            ("settings", .object(values)), ("findings", .array(findings)),
        ])
    }
}
