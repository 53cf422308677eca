import Events
import PortModel

/// One thing that a report of several hosts says of each: its name, and each host's value. The text
/// report and the HTML page show the same ones, under the same names.
struct HostFact: Sendable {
    let name: StaticString
    let value: @Sendable (RunReport) -> TextBuffer
    /// Returns whether a count that should be 0 is more.
    private(set) var isAlarming: @Sendable (RunReport) -> Bool = { _ in false }

    init(_ name: StaticString, _ value: @escaping @Sendable (RunReport) -> TextBuffer) {
        (self.name, self.value) = (name, value)
    }

    private static func count(
        _ name: StaticString, alarm: Bool = false, _ count: @escaping @Sendable (Summary) -> Int
    ) -> HostFact {
        var fact = HostFact(name) { "\(grouped: count($0.summary))" }
        if alarm { fact.isAlarming = { count($0.summary) > 0 } }
        return fact
    }

    // MARK: All facts

    static let duration = HostFact("duration") { "\(duration: $0.summary.duration)" }

    static let totals: [HostFact] = [
        count("opened") { $0.totals.opened },
        count("closed") { $0.totals.closed },
        count("no port: connect()", alarm: true) { $0.portExhaustion.connects },
        count("no port: bind()", alarm: true) { $0.portExhaustion.binds },
        count("refused otherwise") { $0.otherErrors.total },
        count("held at the end") { $0.held },
        count("in TIME_WAIT") { $0.timeWait },
        HostFact("greatest share") { "\(share: $0.summary.tuples.first?.peak.share ?? 0)" },
    ]

    static let accuracy: [HostFact] = [
        count("records lost", alarm: true) { Int(clamping: $0.accuracy.lost) },
        count("lines dropped", alarm: true) { $0.linesDropped },
        count("audits") { $0.accuracy.audits },
        count("largest drift", alarm: true) { $0.accuracy.largestDrift },
    ]

    // The page has room for these as well.

    static let counted = HostFact("counted") {
        "\(if: $0.summary.isPartial, "the chosen processes only", else: "all processes")"
    }

    static let accuracyDetails: [HostFact] = [
        count("last drift", alarm: true) { $0.accuracy.lastDrift },
        count("repairs") { $0.accuracy.repairs },
        count("runs skipped by the kernel") { Int(clamping: $0.accuracy.skipped) },
        count("not caught by a copy", alarm: true) { Int(clamping: $0.accuracy.slipped) },
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
