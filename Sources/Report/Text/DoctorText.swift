import Events
import PortModel

/// The findings of `portgauge doctor` for a person, in as many columns as `layout` has for prose.
package struct DoctorText {
    package private(set) var text = TextBuffer()

    private let width: Int
    /// The column in which names begin, after the verdicts.
    private static let nameColumn = 11
    /// The column in which texts begin, after the names, or below them if that leaves too little room.
    private let textColumn: Int
    private let textIsBelow: Bool

    package init(_ report: DoctorReport, layout: Layout = Layout()) {
        width = layout.prose
        textIsBelow = width < 64
        textColumn = textIsBelow ? 4 : 32
        text += "Linux \(report.kernel)\n"
        write(rightsOf: report)
        write(hooksOf: report)
        write(settingsOf: report)
    }

    // MARK: Tracing

    private mutating func write(rightsOf report: DoctorReport) {
        let types: TextBuffer =
            report.typesRefusal == nil
            ? "the kernel's types: \(report.typesPath)"
            : """
            \(report.typesPath) is missing: the kernel must be built with \
            CONFIG_DEBUG_INFO_BTF, as Debian's are since Debian 11
            """
        line("\(report.typesRefusal ?? "ok")", "BTF", types)
        write("\nrights to trace", report.rightsToTrace)
        write("rights to follow other network namespaces", report.rightsForNamespaces)
        text += "kept while tracing, all others are given up:\n"
        paragraph("\(joined: report.keptRights.map { "\($0)" })", at: 2)
    }

    private mutating func write(_ title: StaticString, _ rights: [DoctorReport.Right]) {
        text += "\(title):\n"
        for right in rights {
            line(right.isHeld ? "ok" : "missing", "\(right.name)", "\(right.purpose)")
        }
    }

    private mutating func write(hooksOf report: DoctorReport) {
        text += "\n"
        guard let hooks = report.hooks else {
            let reasons = (report.refusal ?? "").split(separator: "\n").map(String.init)
            guard let first = reasons.first else { return }
            paragraph("portgauge cannot trace here: \(first)", at: 0)
            // The kernel's own lines are left as they are.
            for reason in reasons.dropFirst() { text += "\(reason)\n" }
            return
        }
        text += "hooks:\n"
        for hook in hooks {
            // Without the kind of hook, but for iterators.
            let parts = hook.name.split(separator: "/")
            let name = parts.first == "iter" ? hook.name : parts.last.map(String.init) ?? hook.name
            line("\(hook.refusal ?? "ok")", "\(name)", "\(hook.purpose)")
            if hook.refusal != nil, let loss = hook.loss { line("", "", "without it: \(loss)") }
        }
        let isWhole = hooks.allSatisfy { $0.refusal == nil }
        text += "\nportgauge can trace here\(if: !isWhole, ", with what is missing above").\n"
    }

    // MARK: Settings

    private mutating func write(settingsOf report: DoctorReport) {
        if let own = report.own {
            let host: TextBuffer = own.name == "host" ? " (host)" : ""
            text += "\nsettings of this network namespace\(host):\n"
            write(own)
        } else if let unread = report.unread {
            text += "\n"
            paragraph("The settings cannot be read: \(unread)", at: 0)
        }
        let notable = report.notable
        for group in Self.grouped(notable) { write(group) }
        text += "\n"
        let quiet = report.others.count - notable.count
        if quiet > 0 {
            let others: TextBuffer = "\(quiet, "other network namespace has", "others have")"
            paragraph("\(others) the same settings, and nothing hurts there.", at: 0)
        }
        if report.closed > 0 {
            let rights: StaticString = "that takes root, or the rights above."
            paragraph("\(grouped: report.closed) more cannot be looked into: \(rights)", at: 0)
        }
        let findings = ([report.own].compactMap { $0 } + notable).flatMap(\.review.findings)
        let hurts = findings.count { $0.verdict == .hurts }
        let some: TextBuffer = "What hurts: \(grouped: hurts) of these settings."
        text += "\(if: hurts > 0, some, else: "No setting hurts.")\n"
    }

    /// Puts those together of which the same is to be said, such as the containers of one host.
    private static func grouped(_ all: [DoctorReport.Namespace]) -> [[DoctorReport.Namespace]] {
        var order: [SettingsReview] = []
        var groups: [SettingsReview: [DoctorReport.Namespace]] = [:]
        for namespace in all {
            if groups[namespace.review] == nil { order.append(namespace.review) }
            groups[namespace.review, default: []].append(namespace)
        }
        return order.compactMap { groups[$0] }
    }

    private mutating func write(_ group: [DoctorReport.Namespace]) {
        let shown = 5
        var names = group.prefix(shown).map { TextBuffer("\(visible: $0.name ?? "\($0.inode)")") }
        if group.count > shown { names.append("\(grouped: group.count - shown) more") }
        text += "\n"
        paragraph("settings of \(joined: names):", at: 0)
        let review = group[0].review
        if review.findings.contains(where: { !$0.commands(review).isEmpty }) {
            paragraph("each command is to be run there, by putting this before it:", at: 2)
            text += "  nsenter --net=\(visible: group[0].path)\n"
        }
        write(group[0])
    }

    private mutating func write(_ namespace: DoctorReport.Namespace) {
        if !namespace.hasSockets {
            line("missing", "sockets", "they cannot be listed: load inet_diag and tcp_diag")
        }
        var written: Set<String> = []
        for finding in namespace.review.findings {
            line("\(finding.verdict.rawValue)", "\(finding.title)", finding.text)
            for command in finding.commands(namespace.review)
            where written.insert(command).inserted { write(command: command) }
        }
    }

    /// Breaks nothing but a list of ports, which the shell takes on several lines.
    private mutating func write(command: String) {
        var rest = command[...]
        var indent = Self.nameColumn
        while indent + rest.count > width,
            let comma = rest.prefix(width - 1 - indent).lastIndex(of: ",")
        {
            text += "\(spaces: indent)\(String(rest[...comma]))\\\n"
            rest = rest[rest.index(after: comma)...]
            indent = 0
        }
        text += "\(spaces: indent)\(String(rest))\n"
    }

    // MARK: Lines

    private mutating func line(_ verdict: TextBuffer, _ name: TextBuffer, _ words: TextBuffer) {
        func pad(_ text: TextBuffer, to width: Int) -> TextBuffer {
            "\(left: max(width, text.columns + 1), text)"
        }
        var start: TextBuffer = "\(pad("  \(verdict)", to: Self.nameColumn))\(name)"
        if textIsBelow, !name.isEmpty {
            text += "\(start)\n"
            start = ""
        }
        paragraph(words, at: textColumn, after: textIsBelow ? "" : pad(start, to: textColumn))
    }

    private mutating func paragraph(
        _ words: TextBuffer, at column: Int, after start: TextBuffer = ""
    ) {
        var line: TextBuffer = "\(left: column, start)\(words)"
        line.fold(since: 0, width: width, indent: column)
        text += "\(line)\n"
    }
}
