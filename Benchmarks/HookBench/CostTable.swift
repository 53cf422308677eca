import BenchSupport

/// What a comparison has come to, a line for each subject.
struct CostTable {
    let text: String

    init(_ shape: SteadyLoad.Shape, _ subjects: [Subject], _ outcome: Comparison.Outcome) {
        let rate = median(outcome.bases.map(\.rate)) ?? 0
        let cost = median(outcome.bases.map(\.cost)) ?? 0
        var lines = [
            shape.description + ": with nothing attached " + rate.text(digits: 0)
                + " connections/s, " + cost.text(digits: 0) + " CPU-ns each",
            "  " + "".left(34) + "pairs".right(5) + "ns/conn".right(11) + "".left(18)
                + "CPU".right(8) + "conn/s".right(9) + "".left(16) + "own ns/conn".right(14),
        ]
        for (subject, pairs) in zip(subjects, outcome.pairs) {
            lines.append("  " + subject.name.left(34) + Self.row(subject, pairs))
        }
        if outcome.dropped > 0 {
            lines.append("  \(outcome.dropped) pairs dropped: another tracer was attached")
        }
        if outcome.failures > 0 { lines.append("  \(outcome.failures) connects failed") }
        text = lines.joined(separator: "\n")
    }

    private static func row(_ subject: Subject, _ pairs: [Comparison.Pair]) -> String {
        guard let cost = Estimate(pairs.map(\.cost)),
            let percent = Estimate(pairs.map(\.costPercent)),
            let rate = Estimate(pairs.map(\.ratePercent)),
            let own = Estimate(pairs.map(\.own))
        else { return String(pairs.count).right(5) + "  not measured" }
        var row = String(pairs.count).right(5)
        row += cost.mean.text(digits: 0, signed: true).right(11)
        row += interval(cost, digits: 0).left(18)
        row += (percent.mean.text(digits: 1, signed: true) + "%").right(8)
        row += (rate.mean.text(digits: 1, signed: true) + "%").right(9)
        row += interval(rate, digits: 1).left(16)
        if case .command = subject.kind {
            row += own.mean.text(digits: 0).right(7) + interval(own, digits: 0)
        }
        return row
    }

    private static func interval(_ estimate: Estimate, digits: Int) -> String {
        let low = estimate.low.text(digits: digits, signed: true)
        return " [\(low)..\(estimate.high.text(digits: digits, signed: true))]"
    }
}
