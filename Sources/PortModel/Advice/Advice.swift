/// One thing to do so that ports do not run out, with the figures that say so.
package struct Advice: Sendable, Hashable {
    package var kind: Kind
    package var scope: PortScope
    /// The one with the most connects or binds there.
    package var process = ProcessID.unknown
    /// Connects, or binds, that failed there, whatever the cause.
    package var failed = 0
    /// Ports it held at the peak, TIME_WAITs included.
    package var peak = 0
    /// Ports that are usable to it.
    package var usable = 0
    /// The load that asked for the ports; nil for a bind pool.
    package var demand: Demand?
    /// The part of the demand that this alone would have met, at most 1; nil where no figure tells.
    package var covers: Double?
    /// Other tuples, or bind pools, that it would help.
    package var others = 0

    /// The load of a tuple.
    package struct Demand: Sendable, Hashable {
        /// New connections a second.
        package var rate: Double
        /// Ports that takes, TIME_WAITs included; nil where too few were closed to tell.
        package var ports: Int?

        package init(rate: Double, ports: Int?) { (self.rate, self.ports) = (rate, ports) }
    }

    package enum Kind: Sendable, Hashable {
        /// Keep `connections` open and use them again: `pool` of them would have done.
        case reuseConnections(connections: Int, lived: Lifetime, bytes: Double?, pool: Int)
        /// `share` of `closed` connections went into TIME_WAIT here, because this side closed
        /// first: `timeWait` of them were there at the peak.
        case letPeerClose(share: Double, closed: Int, timeWait: Int)
        /// `reusable` of `timeWait` could have been used again, and `rate` a second be sustained.
        case timeWaitReuse(
            rules: TimeWaitRules, loopback: Bool, timeWait: Int, reusable: Int, rate: Int)
        /// Most ports were held by connections that were open, not closed ones.
        case closeIdle(open: Int)
        /// The widest range would have `adds` ports more, and `sustains` so many a second.
        case widenRange(from: PortRange, to: PortRange, adds: Int, sustains: Int?)
        /// Much of `range` is of no use to connect().
        case freeRange(range: PortRange, blocked: Blocked, holders: [ProcessID])
        /// So many source addresses, or as many destinations, in all.
        case addAddresses(Int)
        /// bind() with port 0 takes a port of one local address for all peers together; `blocked`
        /// connects of the namespace failed because binds held what they might have had.
        case bindNoPort(blocked: Int)
        /// The socket's own range is narrower than the namespace's, which has `wide` usable ports.
        case socketRange(own: PortRange, wide: Int)
        /// So many failed for another reason than port exhaustion.
        case collision(Int)
        case noAddress(Int)
        case noMemory(Int)
    }

    /// The time from connect() to the close of the socket, in nanoseconds.
    package struct Lifetime: Sendable, Hashable {
        package var mean: UInt64
        /// Over how many; 0 if nothing is known.
        package var count: Int

        package init(mean: UInt64, count: Int) { (self.mean, self.count) = (mean, count) }
    }

    /// Ports of a range that connect() may not choose.
    package struct Blocked: Sendable, Hashable {
        package var reserved: Int
        /// Held by a bind, and not reserved.
        package var bound: Int

        package init(reserved: Int = 0, bound: Int = 0) {
            (self.reserved, self.bound) = (reserved, bound)
        }

        package var count: Int { reserved + bound }
    }

    /// The widest range that leaves the privileged ports alone.
    package static let widestRange = PortRange(low: 1024, high: 65_535)

    /// From so much of its usable ports on, a tuple is in trouble even if no connect failed: the
    /// kernel's search for a port takes about a hundred times longer.
    package static let crowded = 0.5

    /// Below this part of all, a cause is not worth a line.
    static let noteworthy = 0.1

    /// Advice for what was seen: nothing if nothing was wrong. Each kind at most once, for the tuple
    /// or bind pool that needs it most; the worst off first, and for each what does with the least
    /// change, then what does not suffice, by how far it goes.
    static func given(
        _ tuples: [TupleEvidence], _ pools: [Summary.BindPoolRow], limit: Int = 6
    ) -> [Advice] {
        /// The worst off comes first.
        typealias Urgency = (fewerFailures: Int, lessShare: Double)
        var all: [(urgency: Urgency, advice: Advice)] = []
        for tuple in tuples {
            let urgency = (-tuple.failures, -tuple.share)
            all += TupleAdviser(tuple).advice.map { (urgency, $0) }
        }
        for pool in pools {
            let blocked = tuples.reduce(0) {
                $0 + ($1.tuple.netns == pool.key.netns ? $1.failed[.blocked, default: 0] : 0)
            }
            guard let advice = pool.advice(blocked: blocked) else { continue }
            all.append(((-max(pool.failed, blocked), -pool.share), advice))
        }
        all.sort {
            $0.urgency == $1.urgency ? $0.advice.rank < $1.advice.rank : $0.urgency < $1.urgency
        }
        var chosen: [Advice] = []
        var places: [Int: Int] = [:]
        for (_, advice) in all {
            if let place = places[advice.effort] {
                chosen[place].others += 1
            } else {
                places[advice.effort] = chosen.count
                chosen.append(advice)
            }
        }
        while chosen.count > max(0, limit), let last = chosen.max(by: { $0.rank < $1.rank }) {
            chosen.removeAll { $0.effort == last.effort }
        }
        return chosen
    }

    /// Puts what removes the cause or suffices first, then what no figure judges.
    private var rank: (group: Int, lacks: Double, effort: Int) {
        // The first five kinds do away with the cause of failures, by whatever figures.
        guard let covers else { return (effort < 5 ? 0 : 1, -1, effort) }
        return (covers >= 1 ? 0 : 2, -covers, effort)
    }

    /// A number for each kind, by how much has to be changed: a call, a setting, a program, a network.
    private var effort: Int {
        switch kind {
        case .socketRange: 0
        case .bindNoPort: 1
        case .collision: 2
        case .noAddress: 3
        case .noMemory: 4
        case .closeIdle: 5
        case .timeWaitReuse: 6
        case .freeRange: 7
        case .widenRange: 8
        case .reuseConnections: 9
        case .letPeerClose: 10
        case .addAddresses: 11
        }
    }
}

extension Advice {
    /// Advice without figures as yet.
    package init(_ kind: Kind, for scope: PortScope) { self.init(kind: kind, scope: scope) }
}
