import LinuxSystem
import PortModel
import Report

/// What has been found, for a person, in as many columns as `layout` has for prose.
struct DoctorText {
    private(set) var text = ""

    private let width: Int
    /// Where names begin, after the verdicts.
    private static let nameColumn = 11
    /// Where texts begin, after the names, or below them if that leaves too little room.
    private let textColumn: Int
    private let textIsBelow: Bool

    init(_ doctor: Doctor, layout: Layout = Layout()) {
        width = layout.prose
        textIsBelow = width < 64
        textColumn = textIsBelow ? 4 : 32
        say("Linux \(doctor.kernel)")
        tell(rightsOf: doctor)
        tell(hooksOf: doctor)
        tell(settingsOf: doctor)
    }

    // MARK: Tracing

    private mutating func tell(rightsOf doctor: Doctor) {
        if let refusal = TypeInformation.refusal {
            line(
                errnoName(refusal), "BTF",
                "\(TypeInformation.path) is missing: the kernel must be built with "
                    + "CONFIG_DEBUG_INFO_BTF, as Debian's are since Debian 11")
        } else {
            line("ok", "BTF", "the kernel's types: \(TypeInformation.path)")
        }
        tell("\nrights to trace", Capability.toAttach)
        tell("rights to follow other network namespaces", Capability.forNamespaces)
        say("kept while tracing, all others are given up:")
        paragraph(Capability.whileTracing.map(\.name).joined(separator: ", "), at: 2)
    }

    private mutating func tell(_ title: String, _ capabilities: [Capability]) {
        say("\(title):")
        for capability in capabilities {
            line(capability.isHeld ? "ok" : "missing", capability.name, capability.purpose)
        }
    }

    private mutating func tell(hooksOf doctor: Doctor) {
        guard let hooks = doctor.hooks else {
            say("")
            for (index, reason) in (doctor.refusal?.description ?? "").split(separator: "\n")
                .enumerated()
            {
                // What the kernel itself says is left as it is.
                if index == 0 { paragraph("portgauge cannot trace here: \(reason)", at: 0) }
                if index > 0 { say(String(reason)) }
            }
            return
        }
        say("\nhooks:")
        for hook in hooks {
            // Without the kind of hook, but for iterators.
            let name = hook.name.hasPrefix("iter/") ? hook.name : hook.name.lastComponent
            line(hook.refusal.map(errnoName) ?? "ok", name, hook.purpose)
            if hook.refusal != nil, let loss = hook.loss { line("", "", "without it: \(loss)") }
        }
        say(
            hooks.contains { $0.refusal != nil }
                ? "\nportgauge can trace here, with what is missing above."
                : "\nportgauge can trace here.")
    }

    // MARK: Settings

    private mutating func tell(settingsOf doctor: Doctor) {
        if let own = doctor.own {
            say(
                "\nsettings of this network namespace\(own.survey.name == "host" ? " (host)" : ""):"
            )
            tell(own)
        } else if let unread = doctor.unread {
            say("")
            paragraph("The settings cannot be read: \(unread)", at: 0)
        }
        let notable = doctor.notable
        for group in Self.grouped(notable) { tell(group) }
        say("")
        let quiet = doctor.others.count - notable.count
        if quiet > 0 {
            paragraph(
                "\(quiet == 1 ? "1 other network namespace has" : "\(quiet.grouped) others have") "
                    + "the same settings, and nothing hurts there.", at: 0)
        }
        if doctor.closed > 0 {
            paragraph(
                "\(doctor.closed.grouped) more cannot be looked into: that takes root, or the "
                    + "rights above.", at: 0)
        }
        let hurts = ([doctor.own].compactMap { $0 } + notable).reduce(0) { sum, examined in
            sum + examined.review.findings.count { $0.verdict == .hurts }
        }
        say(hurts == 0 ? "No setting hurts." : "What hurts: \(hurts.grouped) of these settings.")
    }

    /// Those of which the same is to be said, such as the containers of one host, together.
    private static func grouped(_ all: [Doctor.Examined]) -> [[Doctor.Examined]] {
        var order: [SettingsReview] = []
        var groups: [SettingsReview: [Doctor.Examined]] = [:]
        for examined in all {
            if groups[examined.review] == nil { order.append(examined.review) }
            groups[examined.review, default: []].append(examined)
        }
        return order.compactMap { groups[$0] }
    }

    private mutating func tell(_ group: [Doctor.Examined]) {
        let shown = 5
        let names = group.prefix(shown).map { examined in
            (examined.survey.name ?? "\(examined.survey.found.inode)").visible
        }
        let more = group.count > shown ? ["\((group.count - shown).grouped) more"] : []
        say("")
        paragraph("settings of \((names + more).joined(separator: ", ")):", at: 0)
        if group[0].review.findings.contains(where: { !$0.commands(group[0].review).isEmpty }) {
            paragraph("each command is to be run there, by putting this before it:", at: 2)
            say("  nsenter --net=\(group[0].survey.found.path.visible)")
        }
        tell(group[0])
    }

    private mutating func tell(_ examined: Doctor.Examined) {
        if examined.survey.sockets == nil {
            line("missing", "sockets", "they cannot be listed: load inet_diag and tcp_diag")
        }
        var told: Set<String> = []
        for finding in examined.review.findings {
            line(finding.verdict.rawValue, finding.title, finding.text)
            for command in finding.commands(examined.review) where told.insert(command).inserted {
                tell(command: command)
            }
        }
    }

    /// Only a list of ports can be too long: the shell takes it on several lines.
    private mutating func tell(command: String) {
        var rest = command[...]
        var indent = Self.nameColumn
        while indent + rest.count > width,
            let comma = rest.prefix(width - 1 - indent).lastIndex(of: ",")
        {
            say(String(repeating: " ", count: indent) + rest[...comma] + "\\")
            rest = rest[rest.index(after: comma)...]
            indent = 0
        }
        say(String(repeating: " ", count: indent) + rest)
    }

    // MARK: Lines

    private mutating func line(_ verdict: String, _ name: String, _ words: String) {
        func pad(_ text: String, to width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        var start = pad("  " + verdict, to: Self.nameColumn) + name
        if textIsBelow, !name.isEmpty {
            say(start)
            start = ""
        }
        paragraph(words, at: textColumn, after: textIsBelow ? "" : pad(start, to: textColumn))
    }

    private mutating func paragraph(_ words: String, at column: Int, after start: String = "") {
        var line = TextBuffer()
        line.append(start)
        line.append(String(repeating: " ", count: max(0, column - start.count)) + words)
        line.fold(since: 0, width: width, indent: column)
        say(String(decoding: line.bytes, as: UTF8.self))
    }

    private mutating func say(_ line: String) { text += line + "\n" }
}

extension String {
    fileprivate var lastComponent: String { split(separator: "/").last.map(String.init) ?? self }
}
