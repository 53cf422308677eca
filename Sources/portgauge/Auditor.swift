import PortModel
import Probe

/// Holds the ledger against the kernel's own table: at the start to fill it, every few seconds and at
/// the end to prove it, and after a loss to make it exact again.
struct Auditor {
    /// Nanoseconds between audits; nil: none, but what was lost is still made up for.
    private let interval: UInt64?
    private let filter: Probe.Filter
    private(set) var accuracy = Accuracy()

    private var next: UInt64
    private var nextRepair: UInt64 = 0
    private var repaired: UInt64 = 0
    private var slippedChecked: UInt64 = 0
    private var hasComplained = false
    /// Namespaces out of reach, and since when.
    private var unreached: [UInt32: UInt64] = [:]
    /// How to get into a namespace, by its inode number.
    private var places: [UInt32: NetworkNamespaces.Found] = [:]

    private static let second: UInt64 = 1_000_000_000
    /// An audit takes no more than one part in so many of a CPU.
    private static let spacing: UInt64 = 50

    init(interval: UInt64?, filter: Probe.Filter, now: UInt64) {
        self.interval = interval
        self.filter = filter
        next = interval.map { now + $0 } ?? .max
    }

    /// Enters what exists into the ledger.
    mutating func seed(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        look()
        road.ledger.beginWalk(for: .seed, at: Clock.monotonic)
        let unreached = try snapshot(Array(places.values), &probe, &road)
        _ = road.ledger.endWalk(of: [])
        if !unreached.isEmpty { complainOnce() }
    }

    /// To be called when the ring has been read to its end.
    mutating func afterDrain(
        _ now: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) {
        if probe.lost > repaired, now >= nextRepair { return try repair(&probe, &road) }
        if now >= next { try audit(&probe, &road) }
    }

    /// To be called each second: what every copy of the program was skipped for shows in an audit.
    mutating func secondPassed(_ probe: borrowing Probe) {
        let counters = probe.counters
        accuracy.lost = probe.lost
        accuracy.skipped = counters.skipped
        accuracy.slipped = counters.slipped
        if counters.slipped > slippedChecked, interval != nil {
            slippedChecked = counters.slipped
            next = 0
        }
    }

    /// The last audit.
    mutating func finish(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        if probe.lost > repaired {
            try repair(&probe, &road)
        } else if interval != nil {
            try audit(&probe, &road)
        }
        secondPassed(probe)
        let counters = probe.counters
        accuracy.counted = Accuracy.Counted(
            opened: Int(clamping: counters.opened), failed: Int(clamping: counters.failed))
    }

    // MARK: Audit

    private mutating func audit(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        guard probe.canAudit else {
            next = .max
            return
        }
        let spent = Clock.processorTime
        road.ledger.beginWalk(for: .audit, at: Clock.monotonic)
        var audits: [UInt32: Audit] = [:]
        var missed: [UInt32] = []
        var isFresh = false
        for (netns, namespace) in road.ledger.namespaces {
            var sockets = 0
            let began = Clock.monotonic
            var entered = false
            for _ in 0..<2 {
                if let place = places[namespace.inode] {
                    entered = try probe.audit(
                        place,
                        {
                            guard $1 == netns else { return }
                            road.ledger.see($0)
                            sockets += 1
                        }, { road.take($0) })
                }
                if entered || isFresh { break }
                look()
                isFresh = true
            }
            if entered {
                audits[netns] = Audit(
                    netns: netns, sockets: sockets, duration: Clock.monotonic - began)
            } else if places[namespace.inode] == nil {
                missed.append(netns)
            } else {
                complainOnce()
            }
        }
        let gone = try goneAmong(missed, &probe, &road)
        probe.drainAll { road.take($0) }
        let findings = road.ledger.endWalk(of: Set(audits.keys).union(gone))
        let now = Clock.monotonic
        for netns in gone { road.close(netns, at: now) }
        var drift = findings.drift
        if findings.missing > 0 {
            drift.merge(try refill(&probe, &road).drift) { $0 + $1 }
        }
        let differences = tell(drift, audits, &road)
        accuracy.audits += 1
        accuracy.lastDrift = differences
        accuracy.largestDrift = max(accuracy.largestDrift, differences)
        // With a million connections it takes a second: then less often than was asked for.
        let pause = (Clock.processorTime - spent) * Self.spacing
        next = interval.map { Clock.monotonic + max($0, pause) } ?? .max
    }

    /// A namespace without a process and without a mount is gone, unless somebody has a socket of it.
    /// The kernel takes a while to end what it held, so as long as there is something it has 5 s.
    private mutating func goneAmong(
        _ missed: [UInt32], _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) -> Set<UInt32> {
        let now = Clock.monotonic
        unreached = Dictionary(uniqueKeysWithValues: missed.map { ($0, unreached[$0] ?? now) })
        let empty = Set(missed.filter { road.ledger.held(in: $0) == 0 })
        let late = Set(missed.filter { now - (unreached[$0] ?? now) >= 5 * Self.second })
        guard !late.isSubset(of: empty) else { return empty }
        var kept: Set<UInt32> = []
        try probe.owners { record in
            if case .owner(_, let netns, _) = record {
                kept.insert(netns)
            } else {
                road.take(record)
            }
        }
        return empty.union(late.subtracting(kept))
    }

    // MARK: Repair

    /// After a loss: what it corrects is no wonder, so it is told, but counts for no drift.
    private mutating func repair(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        let lost = probe.lost
        let began = Clock.monotonic
        let (drift, walked) = try refill(&probe, &road)
        let now = Clock.monotonic
        repaired = lost
        // Not one after the other: the reader is behind already.
        nextRepair = now + max(Self.second, 10 * (now - began))
        var audits: [UInt32: Audit] = [:]
        for netns in walked {
            audits[netns] = Audit(netns: netns, sockets: 0, duration: now - began)
        }
        _ = tell(drift, audits, &road)
    }

    /// Fills the ledger anew from the kernel's table.
    ///
    /// - Returns: what was different, and the namespaces that were walked.
    private mutating func refill(
        _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) -> (drift: [Int: Int], walked: Set<UInt32>) {
        look()
        let known = road.ledger.namespaces
        road.ledger.beginWalk(for: .repair, at: Clock.monotonic)
        let unreached = try snapshot(Array(places.values), &probe, &road)
        probe.drainAll { road.take($0) }
        let inodes = Set(places.keys).subtracting(unreached.map(\.inode))
        let walked = road.ledger.namespaces.filter { inodes.contains($0.value.inode) }.keys
        let gone = try goneAmong(
            known.filter { places[$0.value.inode] == nil }.map(\.key), &probe, &road)
        let findings = road.ledger.endWalk(of: Set(walked).union(gone))
        let now = Clock.monotonic
        for netns in gone { road.close(netns, at: now) }
        accuracy.repairs += 1
        return (findings.drift, Set(walked))
    }

    /// - Returns: those that could not be entered.
    @discardableResult
    private func snapshot(
        _ places: [NetworkNamespaces.Found], _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) -> [NetworkNamespaces.Found] {
        var owners = OwnerFilter(filter)
        let known = self.places
        return try probe.snapshot(of: places) { record in
            guard var record = owners.admit(record, isKnown: { road.ledger.knows($0) }) else {
                return
            }
            // The walk does not know whose namespace it is in, but we do.
            if case .namespace(let netns, let namespace, 0) = record {
                let pid = known[namespace.inode]?.pid ?? 0
                record = .namespace(netns: netns, namespace, pid: pid)
            }
            road.take(record)
        }
    }

    // MARK: Both

    private mutating func look() {
        places = Dictionary(
            NetworkNamespaces.all().map { ($0.inode, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// - Returns: by how many ports it was wrong.
    private func tell(
        _ drift: [Int: Int], _ audits: [UInt32: Audit], _ road: inout Road
    ) -> Int {
        let now = Clock.monotonic
        var audits = audits
        for (account, ports) in drift {
            let tuple = road.ledger.accounts[account].tuple
            audits[tuple.netns, default: Audit(netns: tuple.netns, sockets: 0, duration: 0)]
                .drift.append((tuple: tuple, ports: ports))
        }
        for audit in audits.values { road.tell(audit, at: now) }
        return audits.values.reduce(0) { $0 + $1.totalDrift }
    }

    private mutating func complainOnce() {
        guard !hasComplained else { return }
        hasComplained = true
        complain(
            "some network namespaces cannot be entered (CAP_SYS_ADMIN, CAP_SYS_PTRACE): what existed "
                + "there before is not counted, and their counts are not audited")
    }
}
