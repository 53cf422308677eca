import PortModel

/// One tuple or bind pool, as it stood when the last second had passed.
struct TopRow: Sendable {
    enum Subject: Hashable, Sendable {
        case tuple(Tuple)
        case bindPool(BindPool.Key)
    }

    let subject: Subject
    /// A tuple's place in `Ledger.accounts`; a pool's number.
    let number: Int
    let usage: PortUsage
    /// Connects a second that got a port; nil of a bind pool, which is not told.
    var opened: Double?
    /// Calls that got none.
    let failed: Int
    var failedPerSecond = 0.0
    var forecast: Forecast?

    var share: Double { usage.share }

    /// Seconds until no port is left; nil if it does not come to that, as far as is known.
    var exhaustedIn: Double? { usage.available == 0 ? 0 : forecast?.exhaustedIn }

    /// Of the ports held, the part in TIME_WAIT, from 0 to 1.
    var waiting: Double { Double(usage.timeWait) / Double(max(1, usage.held)) }
}

/// What the rows are sorted by.
package enum TopOrder: UInt8, CaseIterable, Sendable {
    case share, held, timeWait, rate, exhaustion, failed, address

    /// The key to press for it.
    var key: UInt8 {
        switch self {
        case .share: UInt8(ascii: "s")
        case .held: UInt8(ascii: "n")
        case .timeWait: UInt8(ascii: "t")
        case .rate: UInt8(ascii: "r")
        case .exhaustion: UInt8(ascii: "e")
        case .failed: UInt8(ascii: "f")
        case .address: UInt8(ascii: "a")
        }
    }

    var name: StaticString {
        switch self {
        case .share: "share"
        case .held: "ports held"
        case .timeWait: "TIME_WAIT"
        case .rate: "rate"
        case .exhaustion: "time left"
        case .failed: "failed"
        case .address: "address"
        }
    }

    func next(_ step: Int) -> TopOrder {
        let all = Self.allCases
        return all[(Int(rawValue) + step + all.count) % all.count]
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

extension TopRow.Subject {
    /// The order of addresses: an end to all ties, so that no two rows change places without reason.
    func precedes(_ other: Self) -> Bool {
        func key(_ subject: Self) -> (Int, UInt32, UInt64, UInt64, UInt64, UInt64, UInt16) {
            switch subject {
            case .tuple(let tuple):
                return (
                    0, tuple.netns, tuple.remote.high, tuple.remote.low, tuple.local.high,
                    tuple.local.low, tuple.remotePort
                )
            case .bindPool(let key): return (1, key.netns, key.local.high, key.local.low, 0, 0, 0)
            }
        }
        let (a, b) = (key(self), key(other))
        if (a.0, a.1) != (b.0, b.1) { return (a.0, a.1) < (b.0, b.1) }
        return (a.2, a.3, a.4, a.5, a.6) < (b.2, b.3, b.4, b.5, b.6)
    }
}
