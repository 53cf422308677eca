import PortModel

/// One tuple or bind pool, as it stood when the last second had passed.
struct TopRow: Sendable {
    let scope: PortScope
    /// A tuple's place in `Ledger.tuples`; a pool's number.
    let number: Int
    let usage: PortUsage
    /// Connects a second that got a port; nil of a bind pool, as it is not known.
    var opened: Double?
    /// Calls that got no port.
    let failed: Int
    var failedPerSecond = 0.0
    var forecast: Forecast?

    var share: Double { usage.share }

    /// Seconds until no port is left; nil if it does not come to that, as far as is known.
    var exhaustedIn: Double? { usage.available == 0 ? 0 : forecast?.exhaustedIn }

    /// The part of the held ports that is in TIME_WAIT, from 0 to 1.
    var waiting: Double { Double(usage.timeWait) / Double(max(1, usage.held)) }
}

/// The orders in which rows can be sorted.
enum TopOrder: String, CaseIterable, Sendable {
    case share
    case held = "ports held"
    case timeWait = "TIME_WAIT"
    case rate
    case exhaustion = "time left"
    case failed, address

    /// The key to press for each.
    static let keys = Array("sntrefa".utf8)

    func next(_ step: Int) -> TopOrder {
        let all = Self.allCases
        return all[((all.firstIndex(of: self) ?? 0) + step + all.count) % all.count]
    }

    /// The greater, the further up.
    func weight(of row: TopRow) -> Double {
        switch self {
        case .share: row.share
        case .held: Double(row.usage.held)
        case .timeWait: Double(row.usage.timeWait)
        case .rate: row.opened ?? -1
        case .exhaustion: -(row.exhaustedIn ?? .infinity)
        case .failed: Double(row.failed)
        case .address: 0
        }
    }
}
