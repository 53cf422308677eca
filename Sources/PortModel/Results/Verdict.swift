/// The conditions under which a run counts as failed, held against its summary.
package struct Verdict: Sendable {
    package enum Condition: Hashable, Sendable {
        /// A connect() or a bind() found no port.
        case exhausted
        /// A tuple or a bind pool has used so many percent of its usable ports.
        case share(Int)
        /// A connect() or a bind() failed for any cause that portgauge knows.
        case failure
        /// The counts may not be exact.
        case inexact
    }

    /// One of them that did come about.
    package enum Finding: Sendable {
        /// Calls that found no port; the process and the tuple with most of them, if they are known.
        case exhausted(count: Int, most: FailedCall.Count?)
        /// Calls that failed for any cause; the process and the tuple with most of them likewise.
        case failure(count: Int, most: FailedCall.Count?)
        case tupleShare(percent: Int, tuple: Tuple, usage: PortUsage)
        case poolShare(percent: Int, local: IPAddress, usage: PortUsage)
        case lost(UInt64)
        case slipped(UInt64)
        case drift(Int)
        /// A hook is missing, and what that means.
        case hook(String)
        case unfinished
    }

    /// In the order in which they were asked for.
    package private(set) var findings: [Finding] = []

    /// - Parameter summary: nil if tracing has not come to its end.
    /// - Parameter losses: what missing hooks mean.
    package init(_ conditions: [Condition], on summary: Summary?, losses: [String]) {
        for condition in conditions {
            guard let summary else {
                findings = [.unfinished]
                return
            }
            switch condition {
            case .exhausted:
                let count = summary.portExhaustion.total
                let most = summary.failures.first { $0.call.cause?.isPortExhaustion ?? true }
                if count > 0 { findings.append(.exhausted(count: count, most: most)) }
            case .failure:
                let count = summary.portExhaustion.total + summary.otherErrors.total
                if count > 0 {
                    findings.append(.failure(count: count, most: summary.failures.first))
                }
            case .share(let percent):
                if let finding = Self.share(percent, summary) { findings.append(finding) }
            case .inexact: findings += Self.inexact(summary.accuracy, losses).compactMap { $0 }
            }
        }
    }

    private static func share(_ percent: Int, _ summary: Summary) -> Finding? {
        // Both are in order, but the pools by failures first.
        if let tuple = summary.tuples.first, tuple.peak.share * 100 >= Double(percent) {
            return .tupleShare(percent: percent, tuple: tuple.tuple, usage: tuple.peak.usage)
        }
        for pool in summary.bindPools {
            let peak = PortUsage(held: pool.peak, usable: pool.usable)
            guard peak.share * 100 >= Double(percent) else { continue }
            return .poolShare(percent: percent, local: pool.key.local, usage: peak)
        }
        return nil
    }

    private static func inexact(_ accuracy: Accuracy, _ losses: [String]) -> [Finding?] {
        [
            accuracy.lost > 0 ? .lost(accuracy.lost) : nil,
            accuracy.slipped > 0 ? .slipped(accuracy.slipped) : nil,
            accuracy.largestDrift > 0 ? .drift(accuracy.largestDrift) : nil,
            losses.first.map(Finding.hook),
        ]
    }
}
