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
    private let namespaces: NamespacePlaces
    private var places: [UInt32: NetworkNamespaces.Found] { namespaces.known }

    private static let second: UInt64 = 1_000_000_000
    /// An audit takes no more than one part in so many of a CPU.
    private static let spacing: UInt64 = 50
    /// What the kernel may take to end all that a namespace held.
    private static let dying = 5 * second

    init(interval: UInt64?, filter: Probe.Filter, places: NamespacePlaces, now: UInt64) {
        namespaces = places
        self.interval = interval
        self.filter = filter
        next = interval.map { now + $0 } ?? .max
    }

    /// Enters what exists into the ledger.
    ///
    /// - Parameter see: gets all of it, also what no filter lets pass.
    mutating func seed(
        _ probe: inout Probe, _ road: inout Road, _ see: (Record) -> Void = { _ in }
    ) throws(ProbeError) {
        namespaces.look()
        road.ledger.beginScan(for: .seed, at: Clock.monotonic)
        let walked = try snapshot(&probe, &road, see)
        _ = road.ledger.endScan(of: [])
        complainUnlessGone(Set(places.keys).subtracting(walked.keys))
    }

    /// To be called when the ring has been read to its end.
    mutating func afterDrain(
        _ now: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) {
        if probe.lost > repaired {
            // An audit would take what was lost for drift.
            if now >= min(nextRepair, next) { try repair(&probe, &road) }
        } else if now >= next {
            try audit(&probe, &road)
        }
    }

    /// To be called each second: what every copy of the program was skipped for shows in an audit.
    mutating func secondPassed(_ probe: borrowing Probe) {
        let counters = probe.counters
        accuracy.lost = probe.lost
        accuracy.skipped = counters.skipped
        accuracy.slipped = counters.slipped
        accuracy.counted = Accuracy.Counted(
            opened: Int(clamping: counters.opened), failed: Int(clamping: counters.failed))
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
    }

    // MARK: Audit

    private mutating func audit(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        guard probe.canAudit else {
            next = .max
            return
        }
        let spent = Clock.processorTime
        road.ledger.beginScan(for: .audit, at: Clock.monotonic)
        var audits: [UInt32: Audit] = [:]
        var missed: [UInt32] = []
        var isFresh = false
        for (netns, namespace) in road.ledger.namespaces {
            var sockets = 0
            let began = Clock.monotonic
            var walked: UInt32?
            for _ in 0..<2 {
                if let place = places[namespace.inode] {
                    walked = try probe.audit(
                        place,
                        {
                            guard $1 == netns else { return }
                            road.ledger.compare($0)
                            sockets += 1
                        }, { road.take($0) })
                }
                if walked == netns || isFresh { break }
                namespaces.look()
                isFresh = true
            }
            if walked == netns {
                audits[netns] = Audit(
                    netns: netns, sockets: sockets, duration: Clock.monotonic - began)
            } else if walked != nil || places[namespace.inode] == nil {
                // Another may have its inode number.
                missed.append(netns)
            } else {
                complainUnlessGone([namespace.inode])
            }
        }
        let undescribed = road.ledger.undescribed
        let gone = try goneAmong(missed + undescribed, after: Self.dying, &probe, &road)
        probe.drainAll { road.take($0) }
        let findings = road.ledger.endScan(of: Set(audits.keys), gone: gone)
        let now = Clock.monotonic
        for netns in gone { road.close(netns, at: now) }
        var drift = findings.drift
        if findings.missing > 0 || !undescribed.isSubset(of: gone) {
            drift.merge(try refill(goneAfter: Self.dying, &probe, &road).drift) { $0 + $1 }
        }
        let differences = tell(drift, audits, &road)
        planNext(after: Clock.processorTime - spent)
        // What was lost meanwhile explains it, and a repair follows.
        guard probe.lost == repaired else { return }
        accuracy.audits += 1
        accuracy.lastDrift = differences
        accuracy.largestDrift = max(accuracy.largestDrift, differences)
    }

    /// With a million connections an audit takes a second: then less often than was asked for.
    private mutating func planNext(after spent: UInt64) {
        next = interval.map { Clock.monotonic + max($0, spent * Self.spacing) } ?? .max
    }

    /// A namespace without a process and without a mount is gone, unless somebody has a socket of it.
    /// The kernel takes a while to end what it held: as long as there is something, it has `grace`.
    private mutating func goneAmong(
        _ missed: [UInt32], after grace: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) -> Set<UInt32> {
        let now = Clock.monotonic
        unreached = Dictionary(uniqueKeysWithValues: missed.map { ($0, unreached[$0] ?? now) })
        let empty = Set(missed.filter { road.ledger.held(in: $0) == 0 })
        let late = Set(missed.filter { now - (unreached[$0] ?? now) >= grace })
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
        let spent = Clock.processorTime
        // Nobody may tell any more how a namespace has ended.
        let (drift, walked) = try refill(goneAfter: 0, &probe, &road)
        let now = Clock.monotonic
        repaired = lost
        // Not one after the other: the reader is behind already.
        nextRepair = now + max(Self.second, 10 * (now - began))
        planNext(after: Clock.processorTime - spent)
        var audits: [UInt32: Audit] = [:]
        for netns in walked where road.ledger.namespaces[netns] != nil {
            audits[netns] = Audit(netns: netns, sockets: 0, duration: now - began)
        }
        _ = tell(drift, audits, &road)
    }

    /// Fills the ledger anew from the kernel's table.
    ///
    /// - Returns: what was different, and the namespaces that were walked.
    private mutating func refill(
        goneAfter grace: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) -> (drift: [Int: Int], walked: Set<UInt32>) {
        namespaces.look()
        let known = road.ledger.namespaces
        road.ledger.beginScan(for: .repair, at: Clock.monotonic)
        let identities = try snapshot(&probe, &road)
        probe.drainAll { road.take($0) }
        let walked = Set(identities.values)
        let missed = known.filter { netns, namespace in
            !walked.contains(netns)
                && (places[namespace.inode] == nil || identities[namespace.inode] != nil)
        }
        let gone = try goneAmong(
            Array(missed.keys) + road.ledger.undescribed.subtracting(walked), after: grace, &probe,
            &road)
        let findings = road.ledger.endScan(of: walked, gone: gone)
        let now = Clock.monotonic
        for netns in gone { road.close(netns, at: now) }
        accuracy.repairs += 1
        return (findings.drift, walked)
    }

    /// - Returns: the identities of the namespaces that could be entered, by their inode numbers.
    private mutating func snapshot(
        _ probe: inout Probe, _ road: inout Road, _ see: (Record) -> Void = { _ in }
    ) throws(ProbeError) -> [UInt32: UInt32] {
        var owners = OwnerFilter(filter, command: probe.commandProcesses)
        let places = places
        return try probe.snapshot(of: Array(places.values)) { record in
            see(record)
            guard var record = owners.admit(record, isKnown: { road.ledger.knows($0) }) else {
                return
            }
            // The walk does not know whose namespace it is in, but we do.
            if case .namespace(let netns, let namespace, 0) = record {
                let pid = places[namespace.inode]?.pid ?? 0
                record = .namespace(netns: netns, namespace, pid: pid)
            }
            road.take(record)
        }
    }

    // MARK: Both

    /// - Returns: by how many ports it was wrong.
    private func tell(
        _ drift: [Int: Int], _ audits: [UInt32: Audit], _ road: inout Road
    ) -> Int {
        let now = Clock.monotonic
        var audits = audits
        for (place, ports) in drift {
            let tuple = road.ledger.tuples[place].tuple
            audits[tuple.netns, default: Audit(netns: tuple.netns, sockets: 0, duration: 0)]
                .drift.append((tuple: tuple, ports: ports))
        }
        for audit in audits.values { road.tell(.audit(audit), at: now) }
        return audits.values.reduce(0) { $0 + $1.totalDrift }
    }

    /// Once, about namespaces that could not be entered.
    private mutating func complainUnlessGone(_ inodes: Set<UInt32>) {
        guard !hasComplained, !inodes.isEmpty else { return }
        namespaces.look()
        guard !inodes.isDisjoint(with: places.keys) else { return }
        hasComplained = true
        complain(
            "some network namespaces cannot be entered (CAP_SYS_ADMIN, CAP_SYS_PTRACE): what existed "
                + "there before is not counted, and their counts are not audited")
    }
}
