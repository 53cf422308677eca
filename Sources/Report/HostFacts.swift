import Events
import PortModel

/// One thing that a report of several hosts says of each: its name, and each host's value. Text has
/// columns for short names only.
struct HostFact: Sendable {
    let name: StaticString
    /// The name on an HTML page.
    let title: StaticString
    let value: @Sendable (RunReport) -> TextBuffer
    /// Returns whether a count that should be 0 is more.
    private(set) var isAlarming: @Sendable (RunReport) -> Bool = { _ in false }

    init(
        _ name: StaticString, title: StaticString? = nil,
        _ value: @escaping @Sendable (RunReport) -> TextBuffer
    ) {
        self.name = name
        self.title = title ?? name
        self.value = value
    }

    private static func count(
        _ name: StaticString, title: StaticString? = nil, alarm: Bool = false,
        _ count: @escaping @Sendable (Summary) -> Int
    ) -> HostFact {
        var fact = HostFact(name, title: title) { "\(grouped: count($0.summary))" }
        if alarm { fact.isAlarming = { count($0.summary) > 0 } }
        return fact
    }

    // MARK: All facts

    static let duration = HostFact("duration", title: "traced for") {
        "\(duration: $0.summary.duration)"
    }
    static let calls = [
        count("opened") { $0.totals.opened },
        count("closed") { $0.totals.closed },
        count("no port: connect()", title: "connects failed for want of a port", alarm: true) {
            $0.portExhaustion.connects
        },
        count("no port: bind()", title: "binds failed for want of a port", alarm: true) {
            $0.portExhaustion.binds
        },
        count("refused otherwise", title: "failed for another reason") { $0.otherErrors.total },
    ]
    static let held = [
        count("held at the end") { $0.held },
        count("in TIME_WAIT", title: "of these in TIME_WAIT") { $0.timeWait },
    ]
    static let share = HostFact("greatest share") {
        "\(share: $0.summary.tuples.first?.peak.share ?? 0)"
    }
    static let lost = count("records lost", alarm: true) { Int(clamping: $0.accuracy.lost) }
    static let dropped = count("lines dropped", title: "lines of output dropped", alarm: true) {
        $0.linesDropped
    }
    static let audits = [
        count("audits", title: "audits against the kernel's table") { $0.accuracy.audits },
        count("largest drift", title: "largest drift, in ports", alarm: true) {
            $0.accuracy.largestDrift
        },
    ]

    // A page has room for these as well.

    static let counted = HostFact("counted") {
        "\(if: $0.summary.isPartial, "the chosen processes only", else: "all processes")"
    }
    /// The same, and nothing where there is no tuple.
    static let shareIfAny = HostFact("greatest share of the usable ports") {
        $0.summary.tuples.first.map { "\(share: $0.peak.share)" } ?? ""
    }
    static let corrections = [
        count("drift at the end, in ports", alarm: true) { $0.accuracy.lastDrift },
        count("repairs from the kernel's table") { $0.accuracy.repairs },
        count("runs skipped by the kernel") { Int(clamping: $0.accuracy.skipped) },
        count("of these not caught by a copy", alarm: true) { Int(clamping: $0.accuracy.slipped) },
    ]
    static let settings: [HostFact] = [
        HostFact("kernel") { report in
            "\(visible: report.start?.kernel ?? "") \(visible: report.start?.machine ?? "")"
        },
        HostFact("CPUs") { report in
            let cpus = report.start?.cpus ?? 0
            return "\(if: cpus > 0, "\(cpus)")"
        },
        HostFact("portgauge") { "\(visible: $0.start?.version ?? "")" },
        HostFact("command") { "\(command: $0.start?.command ?? [])" },
        HostFact("alerts at") { report in
            let thresholds = (report.start?.thresholds ?? []).map { TextBuffer("\($0)") }
            return "\(joined: thresholds)\(if: !thresholds.isEmpty, " %")"
        },
        duration,
    ]
}
