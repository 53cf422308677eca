import Events
import LinuxSystem
import PortModel
import Probe

/// Holds the ledger against the kernel's own table: at the start to fill it (seed), every few seconds
/// and at the end to prove it (audit), and after a loss to make it exact again (repair). All are one
/// scan of the table, whose entries are folded in among live records.
package struct Reconciler {
    package private(set) var accuracy = Accuracy()
    /// Nanoseconds between audits; nil: none, but what was lost is still made up for.
    private let interval: UInt64?
    private let namespaces: NamespacePlaces

    private var nextAudit: UInt64
    private var nextRepair: UInt64 = 0
    /// When which namespace was looked at because of a failure, and when that may be done again.
    private var lookedAt: [UInt32: UInt64] = [:]
    private var nextLook: UInt64 = 0
    /// What was lost, and slipped through, when that was made up for last.
    private var repaired: UInt64 = 0
    private var slippedChecked: UInt64 = 0
    private var hasComplained = false
    /// Namespaces out of reach, and since when.
    private var unreached: [UInt32: UInt64] = [:]

    private static let second: UInt64 = 1_000_000_000
    /// An audit takes no more than one part in so many of a CPU.
    private static let spacing: UInt64 = 50
    /// The time that the kernel may take to end all that a namespace held.
    private static let dying = 5 * second

    /// - Parameter now: CLOCK_MONOTONIC nanoseconds.
    package init(interval: UInt64?, places: NamespacePlaces, now: UInt64) {
        namespaces = places
        self.interval = interval
        nextAudit = interval.map { now + $0 } ?? .max
    }

    // MARK: When

    /// Enters what exists into the ledger.
    ///
    /// - Parameters:
    ///   - rounds: as `Probe.snapshot` has it.
    ///   - see: gets all of it.
    package mutating func seed(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline, rounds: Int = 2,
        _ see: (Record) -> Void = { _ in }
    ) throws(SystemError) {
        namespaces.look(table)
        pipeline.ledger.beginScan(for: .seed, at: table.now)
        let identities = try snapshot(&table, &pipeline, rounds: rounds, see)
        note(pipeline.ledger.endScan(of: []).uncertain)
        complainUnlessGone(Set(namespaces.known.keys).subtracting(identities.keys), table)
    }

    /// Audits or repairs if that is due; to be called when the ring has been read to its end.
    package mutating func afterDrain(
        _ now: UInt64, _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        if table.lost > repaired {
            // An audit would take what was lost for drift.
            if now >= min(nextRepair, nextAudit) { try repair(&table, &pipeline) }
        } else if now >= nextAudit {
            try audit(&table, &pipeline)
        }
    }

    /// Reads the kernel's counters each second, and starts an audit if transitions were missed.
    package mutating func secondPassed(_ table: borrowing some KernelTable & ~Copyable) {
        let counters = table.counters
        accuracy.lost = table.lost
        accuracy.skipped = counters.skipped
        accuracy.slipped = counters.missed
        accuracy.counted = Accuracy.Counted(
            opened: Int(clamping: counters.opened), failed: Int(clamping: counters.failed))
        if counters.missed > slippedChecked, interval != nil {
            slippedChecked = counters.missed
            nextAudit = 0
        }
    }

    package mutating func finish(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        if table.lost > repaired {
            try repair(&table, &pipeline)
        } else if interval != nil {
            try audit(&table, &pipeline)
        }
        secondPassed(table)
    }

    /// Looks at the namespaces in which calls have failed, so that these are reported with the states of
    /// the sockets that hold the ports: once a second each, and for no more than a part of a CPU.
    package mutating func lookBeforeReporting(
        _ now: UInt64, _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        guard table.canAudit, now >= nextLook, table.lost == repaired else { return }
        let failing = pipeline.ledger.pendingNamespaces.filter {
            lookedAt[$0].map { now >= $0 + Self.second } ?? true
        }
        guard !failing.isEmpty else { return }
        let spent = table.processorTime
        let scan = try scan(.audit, of: failing, grace: Self.dying, &table, &pipeline)
        for netns in failing { lookedAt[netns] = now }
        lookedAt = lookedAt.filter { pipeline.ledger.namespaces[$0.key] != nil }
        nextLook = now + (table.processorTime - spent) * Self.spacing
        // What it has found wrong is told by a whole audit.
        if scan.needsRepair || !scan.drift.isEmpty { nextAudit = min(nextAudit, now) }
    }

    /// Plans the next audit, later than asked for if one takes long: a second for a million sockets.
    private mutating func planNext(after spent: UInt64, at now: UInt64) {
        nextAudit = interval.map { now + max($0, spent * Self.spacing) } ?? .max
    }

    private mutating func note(_ uncertain: [UInt32: Int]) {
        accuracy.uncertain = uncertain.values.reduce(0, +)
    }

    // MARK: Audit and repair

    private mutating func audit(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        guard table.canAudit else {
            nextAudit = .max
            return
        }
        let spent = table.processorTime
        var scan = try scan(.audit, grace: Self.dying, &table, &pipeline)
        if scan.needsRepair {
            let repair = try self.scan(.repair, grace: Self.dying, &table, &pipeline)
            scan.drift.merge(repair.drift) { $0 + $1 }
        }
        let differences = report(scan, at: table.now, pipeline)
        planNext(after: table.processorTime - spent, at: table.now)
        // What was lost meanwhile explains it, and a repair follows.
        guard table.lost == repaired else { return }
        accuracy.audits += 1
        accuracy.lastDrift = differences
        accuracy.largestDrift = max(accuracy.largestDrift, differences)
    }

    /// Makes up for a loss: what it corrects is no wonder, so it is reported, but counts for no drift.
    private mutating func repair(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        let lost = table.lost
        let began = table.now
        let spent = table.processorTime
        // Nobody may tell any more how a namespace has ended.
        let scan = try scan(.repair, grace: 0, &table, &pipeline)
        let now = table.now
        repaired = lost
        // Not one after the other: the reader is behind already.
        nextRepair = now + max(Self.second, 10 * (now - began))
        planNext(after: table.processorTime - spent, at: now)
        _ = report(scan, at: now, pipeline)
    }

    // MARK: The scan

    private struct Scan {
        /// By identity: the namespaces that were walked to their end.
        var audits: [UInt32: Audit] = [:]
        /// Namespaces that seem to be gone.
        var missed: [UInt32] = []
        /// Ledger minus kernel, in ports held, by tuple.
        var drift: [Int: Int] = [:]
        /// It found connections that the ledger lacks, which only a repair can enter.
        var needsRepair = false
    }

    /// - Parameters:
    ///   - chosen: the namespaces to audit; nil for all.
    ///   - grace: nanoseconds for which a namespace out of reach may still hold something.
    private mutating func scan(
        _ purpose: TableScan.Purpose, of chosen: Set<UInt32>? = nil, grace: UInt64, _ table: inout some KernelTable & ~Copyable,
        _ pipeline: inout Pipeline
    ) throws(SystemError) -> Scan {
        pipeline.ledger.beginScan(for: purpose, at: table.now)
        var scan =
            purpose == .audit
            ? try compare(chosen, &table, &pipeline) : try refill(&table, &pipeline)
        let undescribed = pipeline.ledger.undescribed.subtracting(scan.audits.keys)
        let gone = try goneAmong(scan.missed + undescribed, after: grace, &table, &pipeline)
        table.drainAll { pipeline.take($0) }
        let result = pipeline.ledger.endScan(of: Set(scan.audits.keys), gone: gone)
        note(result.uncertain)
        for (netns, count) in result.uncertain { scan.audits[netns]?.uncertain = count }
        pipeline.now = table.now
        for netns in gone { pipeline.close(netns) }
        scan.drift = result.drift
        scan.needsRepair = result.missing > 0 || !undescribed.isSubset(of: gone)
        if purpose == .repair { accuracy.repairs += 1 }
        return scan
    }

    private mutating func compare(
        _ chosen: Set<UInt32>?, _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) -> Scan {
        var scan = Scan()
        var isFresh = false
        for (netns, namespace) in pipeline.ledger.namespaces where chosen?.contains(netns) ?? true {
            var sockets = 0
            let began = table.now
            var walked: UInt32?
            for _ in 0..<2 {
                if let place = namespaces.known[namespace.inode] {
                    walked = try table.audit(
                        place,
                        {
                            guard $1 == netns else { return }
                            pipeline.ledger.compare($0, in: netns)
                            sockets += 1
                        }, { pipeline.take($0) })
                }
                if walked == netns || isFresh { break }
                namespaces.look(table)
                isFresh = true
            }
            if walked == netns {
                scan.audits[netns] = Audit(
                    netns: netns, sockets: sockets, duration: table.now - began)
            } else if walked != nil || namespaces.known[namespace.inode] == nil {
                // Another may have its inode number.
                scan.missed.append(netns)
            } else {
                complainUnlessGone([namespace.inode], table)
            }
        }
        return scan
    }

    /// Enters what the kernel's table has, whatever the ledger has.
    private mutating func refill(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) -> Scan {
        namespaces.look(table)
        let known = pipeline.ledger.namespaces
        let began = table.now
        let identities = try snapshot(&table, &pipeline, rounds: 2)
        let duration = table.now - began
        var scan = Scan()
        for netns in identities.values {
            scan.audits[netns] = Audit(netns: netns, sockets: 0, duration: duration)
        }
        for (netns, namespace) in known
        where scan.audits[netns] == nil
            && (namespaces.known[namespace.inode] == nil || identities[namespace.inode] != nil)
        { scan.missed.append(netns) }
        return scan
    }

    /// - Returns: the identities of the namespaces that could be entered, by their inode numbers.
    private mutating func snapshot(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline, rounds: Int,
        _ see: (Record) -> Void = { _ in }
    ) throws(SystemError) -> [UInt32: UInt32] {
        let places = namespaces.known
        return try table.snapshot(of: Array(places.values), rounds: rounds) { record in
            see(record)
            pipeline.take(record.named(by: places))
        }
    }

    /// Tells which namespaces are gone: those without a process, a mount or an open socket.
    /// The kernel has `grace` to end what one held.
    private mutating func goneAmong(
        _ missed: [UInt32], after grace: UInt64, _ table: inout some KernelTable & ~Copyable,
        _ pipeline: inout Pipeline
    ) throws(SystemError) -> Set<UInt32> {
        let now = table.now
        unreached = Dictionary(uniqueKeysWithValues: missed.map { ($0, unreached[$0] ?? now) })
        let empty = Set(missed.filter { pipeline.ledger.held(in: $0) == 0 })
        let late = Set(missed.filter { now - (unreached[$0] ?? now) >= grace })
        guard !late.isSubset(of: empty) else { return empty }
        var kept: Set<UInt32> = []
        try table.owners { record in
            if case .owner(_, let netns, _, _) = record {
                kept.insert(netns)
            } else {
                pipeline.take(record)
            }
        }
        return empty.union(late.subtracting(kept))
    }

    // MARK: Reporting

    /// - Returns: by how many ports the ledger was wrong.
    private func report(_ scan: Scan, at now: UInt64, _ pipeline: borrowing Pipeline) -> Int {
        var audits = scan.audits.filter { pipeline.ledger.namespaces[$0.key] != nil }
        for (place, ports) in scan.drift {
            let tuple = pipeline.ledger.tuples[place].tuple
            audits[tuple.netns, default: Audit(netns: tuple.netns, sockets: 0, duration: 0)]
                .drift.append((tuple: tuple, ports: ports))
        }
        for audit in audits.values { pipeline.report(.audit(audit), at: now) }
        return audits.values.reduce(0) { $0 + $1.totalDrift }
    }

    /// Complains once about namespaces that could not be entered.
    private mutating func complainUnlessGone(
        _ inodes: Set<UInt32>, _ table: borrowing some KernelTable & ~Copyable
    ) {
        guard !hasComplained, !inodes.isEmpty else { return }
        namespaces.look(table)
        guard !inodes.isDisjoint(with: namespaces.known.keys) else { return }
        hasComplained = true
        complain(
            "some network namespaces cannot be entered (CAP_SYS_ADMIN, CAP_SYS_PTRACE): what existed "
                + "there before is not counted, and their counts are not audited")
    }
}
