/// Draws what is to be advised from what was seen of one tuple.
///
/// Ports a tuple needs = new connections a second × seconds each takes one: as long as it lives, and
/// the TIME_WAIT of those that go into it.
struct TupleAdviser {
    private let seen: Advice.TupleEvidence
    private let rate: Double
    /// Seconds.
    private let lifetime: Double
    /// The share of the closed connections that went into TIME_WAIT; 0 if none was closed.
    private let timeWaitShare: Double
    /// Ports that the demand takes; nil where too few connections were closed to tell.
    private let needed: Int?

    init(_ seen: Advice.TupleEvidence) {
        self.seen = seen
        // The mean lacks what was refused.
        let asked = Self.shortOfPorts(seen) > 0 ? max(seen.peakRate, seen.meanRate) : seen.meanRate
        rate = asked.isFinite ? max(0, asked) : 0
        lifetime = seen.lived.count > 0 ? Double(seen.lived.mean) / 1e9 : 0
        timeWaitShare =
            seen.closed > 0 ? min(1, Double(seen.closedIntoTimeWait) / Double(seen.closed)) : 0
        if rate > 0, Double(seen.closed) >= Double(seen.opened) * Advice.noteworthy, seen.closed > 0
        {
            let steady = Self.whole(
                rate * (lifetime + timeWaitShare * Double(TimeWaitRules.seconds)), .up)
            let least = Self.shortOfPorts(seen) > 0 ? seen.usable + 1 : seen.peak.held
            needed = max(steady, least)
        } else {
            needed = nil
        }
    }

    var advice: [Advice] {
        others + (isShort ? [socketRange, freeRange, widenRange].compactMap { $0 } : [])
            + (isCrowded
                ? [closeIdle, reuseConnections, letPeerClose, timeWaitReuse, addAddresses]
                    .compactMap { $0 } : [])
    }

    private static func shortOfPorts(_ seen: Advice.TupleEvidence) -> Int {
        [Cause.exhausted, .blocked, .range].reduce(0) { $0 + seen.failed[$1, default: 0] }
    }

    private var isShort: Bool { isCrowded || Self.shortOfPorts(seen) > 0 }

    /// Its own connections take up the ports.
    private var isCrowded: Bool {
        seen.failed[.exhausted, default: 0] > 0 || seen.share >= Advice.crowded
    }

    private var hasOwnRange: Bool { seen.range != seen.namespaceRange }

    // MARK: Fewer ports

    private var reuseConnections: Advice? {
        guard seen.lived.count > 0 else { return nil }
        let pool = max(1, Self.whole(rate * lifetime, .up))
        // Else they live too long for a pool to be smaller.
        guard pool * 2 <= seen.peak.held else { return nil }
        return make(
            .reuseConnections(
                connections: seen.opened, lived: seen.lived,
                bytes: seen.meanBytes.flatMap { $0.isFinite ? $0 : nil }, pool: pool),
            provides: seen.usable, takes: pool)
    }

    private var letPeerClose: Advice? {
        guard timeWaitShare >= 0.5, isWaiting else { return nil }
        return make(
            .letPeerClose(share: timeWaitShare, closed: seen.closed, timeWait: seen.peak.timeWait),
            provides: seen.usable, takes: needed.map { _ in Self.whole(rate * lifetime, .up) })
    }

    private var closeIdle: Advice? {
        let open = seen.peak.held - seen.peak.timeWait
        guard seen.share >= Advice.crowded, open * 2 > seen.peak.held else { return nil }
        return make(.closeIdle(open: open))
    }

    // MARK: TIME_WAITs used again

    private var timeWaitReuse: Advice? {
        let rules = seen.timeWaitRules
        guard isWaiting, !rules.allowReuse(of: seen.tuple) || !rules.timestamps else { return nil }
        let delay = Double(rules.reuseDelay) / 1000
        let young = rate * timeWaitShare * delay
        let reusable = max(0, seen.peak.timeWait - Self.whole(young, .up))
        return make(
            .timeWaitReuse(
                rules: rules, loopback: seen.tuple.isOnLoopback, timeWait: seen.peak.timeWait,
                reusable: reusable,
                rate: Self.whole(Double(seen.usable) / max(1e-6, delay + lifetime), .down)),
            provides: seen.usable,
            takes: needed.map { _ in Self.whole(rate * (lifetime + timeWaitShare * delay), .up) })
    }

    private var isWaiting: Bool {
        seen.peak.timeWait > 0
            && Double(seen.peak.timeWait) >= Double(seen.peak.held) * Advice.noteworthy
    }

    // MARK: More ports

    private var widenRange: Advice? {
        let widest = Advice.widestRange
        let usable = max(0, widest.count - seen.blockedInWidest.count)
        let adds = usable - seen.usable
        guard !hasOwnRange, !seen.range.contains(widest),
            Double(adds) > Double(seen.usable) * Advice.noteworthy
        else { return nil }
        let seconds = lifetime + timeWaitShare * Double(TimeWaitRules.seconds)
        return make(
            .widenRange(
                from: seen.range, to: widest, adds: adds,
                sustains: needed != nil && seconds > 0
                    ? Self.whole(Double(usable) / seconds, .down) : nil),
            provides: usable, takes: needed)
    }

    private var freeRange: Advice? {
        let blocked = seen.blocked
        guard !hasOwnRange, Double(blocked.count) >= Double(seen.range.count) * Advice.noteworthy,
            blocked.count > 0
        else { return nil }
        return make(
            .freeRange(range: seen.range, blocked: blocked, holders: seen.holders),
            provides: seen.usable + blocked.count, takes: needed)
    }

    private var addAddresses: Advice? {
        guard seen.usable > 0 else { return nil }
        let count = needed.map { ($0 - 1) / seen.usable + 1 } ?? 2
        guard count > 1 else { return nil }
        return make(.addAddresses(count), provides: count * seen.usable, takes: needed)
    }

    private var socketRange: Advice? {
        let wide = max(0, seen.namespaceRange.count - seen.blocked.count)
        guard seen.failed[.range, default: 0] > 0 || hasOwnRange, wide > seen.usable else {
            return nil
        }
        return make(.socketRange(own: seen.range, wide: wide), provides: wide, takes: needed)
    }

    // MARK: Other errors

    private var others: [Advice] {
        let kinds: [(Cause, (Int) -> Advice.Kind)] = [
            (.collision, Advice.Kind.collision), (.noAddress, Advice.Kind.noAddress),
            (.noMemory, Advice.Kind.noMemory),
        ]
        return kinds.compactMap { cause, kind in
            let count = seen.failed[cause, default: 0]
            return count > 0 ? make(kind(count)) : nil
        }
    }

    // MARK: Figures

    /// - Parameters:
    ///   - ports: usable if it is followed.
    ///   - takes: ports the demand takes then.
    private func make(_ kind: Advice.Kind, provides ports: Int = 0, takes: Int? = nil) -> Advice {
        Advice(
            kind: kind, scope: .tuple(seen.tuple), process: seen.process, failed: seen.failures,
            peak: seen.peak.held, usable: seen.usable,
            demand: Advice.Demand(rate: rate, ports: needed),
            covers: takes.map { $0 <= ports ? 1 : Double(ports) / Double($0) })
    }

    /// Rounded, but for noise in the last digits; cut off at 10¹⁵.
    private static func whole(_ value: Double, _ rule: FloatingPointRoundingRule) -> Int {
        let tidy = (value * 1e6).rounded() / 1e6
        return Int(min(max(0, tidy.isNaN ? 0 : tidy), 1e15).rounded(rule))
    }
}
