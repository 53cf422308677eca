import LinuxSystem
import PortModel
import Probe

/// One scan of the kernel's table, which seed, audit and repair share.
extension Reconciler {
    struct Scan {
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
    mutating func scan(
        _ purpose: TableScan.Purpose, of chosen: Set<UInt32>? = nil, grace: UInt64,
        _ table: inout some KernelTable & ~Copyable,
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
        // Of some namespaces only, it is no sum of all.
        if chosen == nil { note(result.uncertain) }
        for (netns, count) in result.uncertain { scan.audits[netns]?.uncertain = count }
        pipeline.now = table.now
        for netns in gone { pipeline.close(netns) }
        scan.drift = result.drift
        scan.needsRepair = result.missing > 0 || !undescribed.isSubset(of: gone)
        if purpose == .repair { accuracy.repairs += 1 }
        return scan
    }

    private mutating func compare(
        _ chosen: Set<UInt32>?, _ table: inout some KernelTable & ~Copyable,
        _ pipeline: inout Pipeline
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
    mutating func snapshot(
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
}
