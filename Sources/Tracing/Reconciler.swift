import Events
import LinuxSystem
import PortModel
import Probe

/// Holds the ledger against the kernel's own table: at the start to fill it (seed), every few seconds
/// and at the end to prove it (audit), and after a loss to make it exact again (repair). All are one
/// scan of the table, whose entries are folded in among live records.
package struct Reconciler {
    package internal(set) var accuracy = Accuracy()
    /// Nanoseconds between audits; nil: none, but what was lost is still made up for.
    private let interval: UInt64?
    let namespaces: NamespacePlaces

    private var nextAudit: UInt64
    private var nextRepair: UInt64 = 0
    /// When which namespace was looked at because of a failure, and when that may be done again.
    private var lookedAt: [UInt32: UInt64] = [:]
    private var nextLook: UInt64 = 0
    /// What was lost, and slipped through, when that was made up for last.
    private var repaired: UInt64 = 0
    private var slippedChecked: UInt64 = 0
    /// The ledger has contradicted itself since the last audit, and when that may start another.
    private var isContradicted = false
    private var nextContradiction: UInt64 = 0
    private var hasComplained = false
    /// Namespaces out of reach, and since when.
    var unreached: [UInt32: UInt64] = [:]

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
        pipeline.seeded(at: table.now)
        complainUnlessGone(Set(namespaces.known.keys).subtracting(identities.keys), table)
    }

    /// Audits or repairs if that is due; to be called when the ring has been read to its end.
    package mutating func afterDrain(
        _ now: UInt64, _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        if table.lost > repaired {
            // An audit would take what was lost for drift.
            if now >= min(nextRepair, nextAudit) { try repair(&table, &pipeline) }
            return
        }
        if interval != nil, pipeline.ledger.takeContradiction() { isContradicted = true }
        if isContradicted, now >= nextContradiction { nextAudit = min(nextAudit, now) }
        if now >= nextAudit { try audit(&table, &pipeline) }
    }

    /// Reads the kernel's counters each second, and starts an audit if transitions were missed.
    package mutating func secondPassed(_ table: borrowing some KernelTable & ~Copyable) {
        let counters = table.counters
        accuracy.lost = table.lost
        accuracy.skipped = counters.skipped
        accuracy.slipped = counters.missed
        accuracy.counted = Accuracy.Counted(
            opened: Int(clamping: counters.opened), failed: Int(clamping: counters.failed))
        if max(counters.missed, counters.doubtful) > slippedChecked, interval != nil {
            slippedChecked = max(counters.missed, counters.doubtful)
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
    ///
    /// - Parameter isSecond: those are reported, too, that are told once a second.
    package mutating func lookBeforeReporting(
        _ now: UInt64, isSecond: Bool, _ table: inout some KernelTable & ~Copyable,
        _ pipeline: inout Pipeline
    ) throws(SystemError) {
        guard table.canAudit, now >= nextLook, table.lost == repaired else { return }
        let namespaces =
            isSecond ? pipeline.ledger.pendingNamespaces : pipeline.ledger.failingNamespaces
        let failing = namespaces.filter {
            lookedAt[$0].map { now >= $0 + Self.second } ?? true
        }
        guard !failing.isEmpty else { return }
        let spent = table.processorTime
        let scan = try scan(.audit, of: failing, grace: Self.dying, &table, &pipeline)
        for netns in failing { lookedAt[netns] = now }
        lookedAt = lookedAt.filter { pipeline.ledger.namespaces[$0.key] != nil }
        nextLook = now + (table.processorTime - spent) * Self.spacing
        // It has been corrected: no audit would find it any more.
        if !scan.drift.isEmpty { judge(scan, table, pipeline) }
        if scan.needsRepair, interval != nil { nextAudit = min(nextAudit, now) }
    }

    /// Plans the next audit, later than asked for if one takes long: a second for a million sockets.
    private mutating func planNext(after spent: UInt64, at now: UInt64) {
        nextAudit = interval.map { now + max($0, spent * Self.spacing) } ?? .max
    }

    mutating func note(_ uncertain: [UInt32: Int]) {
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
        isContradicted = false
        let spent = table.processorTime
        var scan = try scan(.audit, grace: Self.dying, &table, &pipeline)
        if scan.needsRepair {
            let repair = try self.scan(.repair, grace: Self.dying, &table, &pipeline)
            scan.drift.merge(repair.drift) { $0 + $1 }
        }
        judge(scan, table, pipeline)
        planNext(after: table.processorTime - spent, at: table.now)
        nextContradiction =
            table.now + max(Self.second, (table.processorTime - spent) * Self.spacing)
        if table.lost == repaired { accuracy.audits += 1 }
    }

    /// Reports what a comparison has found, and counts it as drift.
    private mutating func judge(
        _ scan: Scan, _ table: borrowing some KernelTable & ~Copyable,
        _ pipeline: borrowing Pipeline
    ) {
        let differences = report(scan, at: table.now, pipeline)
        // What was lost meanwhile explains it, and a repair follows.
        guard table.lost == repaired else { return }
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
    mutating func complainUnlessGone(
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
