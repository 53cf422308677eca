import LinuxSystem
import PortModel
import Probe

/// Keeps up to date what no event tells: bind-held ports, their holders, and settings of namespaces.
package struct NamespaceRefresher {
    private let places: NamespacePlaces
    /// When each namespace was looked at last, by its identity.
    private var lookedAt: [UInt32: UInt64] = [:]
    private var nextLook: UInt64 = 0
    /// When it last asked who holds the ports, and how much of a CPU that took.
    private var askedAt: UInt64 = 0
    private var askingCost: UInt64 = 0
    private var isAskingDue = false

    /// Looking and asking may take one part in so many of a CPU.
    private static let spacing: UInt64 = 200
    /// The same where a failure is to be reported: nobody wants to wait for the name of who is to blame.
    private static let urgentSpacing: UInt64 = 1

    package init(places: NamespacePlaces) { self.places = places }

    /// Refreshes what is due; to be called each second.
    package mutating func secondPassed(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        let now = table.now
        if now >= nextLook {
            let spent = table.processorTime
            for netns in pipeline.ledger.occupiedNamespaces {
                look(at: netns, now, spacing: Self.spacing, table, &pipeline)
            }
            nextLook = now + (table.processorTime - spent) * Self.spacing
            lookedAt = lookedAt.filter { pipeline.ledger.namespaces[$0.key] != nil }
        }
        try askIfDue(now, spacing: Self.spacing, &table, &pipeline)
        pipeline.ledger.countBindPools()
    }

    /// Refreshes the namespaces in which calls have failed, to no older than a hundredth of a second.
    package mutating func beforeReporting(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        proveFailures(table, &pipeline)
        guard !pipeline.ledger.failingNamespaces.isEmpty else { return }
        let now = table.now
        lookAtFailing(now, table, &pipeline)
        // It reads what has happened meanwhile, too: others may have failed.
        try askIfDue(now, spacing: Self.urgentSpacing, &table, &pipeline)
        lookAtFailing(now, table, &pipeline)
        pipeline.ledger.countBindPools()
    }

    /// Looks whether the addresses are there for which failures are inferred: one that is not explains
    /// them, too. Of a namespace that is gone, nobody knows.
    package func proveFailures(
        _ table: borrowing some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) {
        let addresses = pipeline.ledger.unprovenAddresses
        guard !addresses.isEmpty else { return }
        let missing = addresses.filter { key in
            guard let inode = pipeline.ledger.namespaces[key.netns]?.inode else { return false }
            return places.hasAddress(
                key.local, of: key.netns, inode, spacing: Self.urgentSpacing, table) == false
        }
        pipeline.ledger.proveFailures(missing: missing)
    }

    private mutating func lookAtFailing(
        _ now: UInt64, _ table: borrowing some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) {
        for netns in pipeline.ledger.failingNamespaces
        where now - (lookedAt[netns] ?? 0) > 10_000_000 {
            look(at: netns, now, spacing: Self.urgentSpacing, table, &pipeline)
        }
    }

    /// Refreshes all of it, at the start and at the end.
    package mutating func refreshAll(
        _ table: inout some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) throws(SystemError) {
        let now = table.now
        for netns in pipeline.ledger.namespaces.keys {
            look(at: netns, now, spacing: Self.spacing, table, &pipeline)
        }
        isAskingDue = true
        try askIfDue(now, spacing: 0, &table, &pipeline)
        pipeline.ledger.countBindPools()
    }

    private mutating func look(
        at netns: UInt32, _ now: UInt64, spacing: UInt64,
        _ table: borrowing some KernelTable & ~Copyable, _ pipeline: inout Pipeline
    ) {
        guard let namespace = pipeline.ledger.namespaces[netns],
            let bound = places.boundPorts(of: netns, namespace.inode, spacing: spacing, table)
        else { return }
        lookedAt[netns] = now
        if bound != namespace.pool.bound { isAskingDue = true }
        pipeline.ledger.setBound(bound, in: netns)
    }

    /// Walks all open files for who holds the ports without a connection.
    private mutating func askIfDue(
        _ now: UInt64, spacing: UInt64, _ table: inout some KernelTable & ~Copyable,
        _ pipeline: inout Pipeline
    ) throws(SystemError) {
        guard isAskingDue, now >= askedAt + askingCost * spacing else { return }
        let spent = table.processorTime
        pipeline.ledger.forgetHolders()
        try table.owners { pipeline.take($0) }
        isAskingDue = false
        askedAt = now
        askingCost = table.processorTime - spent
    }
}

/// Ways into each network namespace, by its inode number.
package final class NamespacePlaces {
    private(set) var known: [UInt32: NetworkNamespaces.Found] = [:]
    /// When it looked last, and how much of a CPU that took.
    private var lookedAt: UInt64 = 0
    private var cost: UInt64 = 0

    package init() {}

    func look(_ table: borrowing some KernelTable & ~Copyable) {
        let spent = table.processorTime
        known = Dictionary(
            table.namespaces().map { ($0.inode, $0) }, uniquingKeysWith: { first, _ in first })
        lookedAt = table.now
        cost = table.processorTime - spent
    }

    /// Reads which ports a bind() holds in a namespace; by a new way if the old one leads nowhere by
    /// now, or to another that was given its number.
    ///
    /// - Parameter spacing: looking for a new way may take one part in so many of a CPU.
    func boundPorts(
        of netns: UInt32, _ inode: UInt32, spacing: UInt64,
        _ table: borrowing some KernelTable & ~Copyable
    ) -> PortSet? {
        read(inode, spacing: spacing, table) { table, place in
            table.boundPorts(in: place).flatMap { $0.netns == netns ? $0.ports : nil }
        }
    }

    /// Tells whether bind() would take an address in a namespace, by a way as above.
    ///
    /// - Returns: nil when the namespace cannot be entered.
    func hasAddress(
        _ address: IPAddress, of netns: UInt32, _ inode: UInt32, spacing: UInt64,
        _ table: borrowing some KernelTable & ~Copyable
    ) -> Bool? {
        read(inode, spacing: spacing, table) { table, place in
            table.hasAddress(address, in: place).flatMap { $0.netns == netns ? $0.isThere : nil }
        }
    }

    private func read<Table: KernelTable & ~Copyable, Value>(
        _ inode: UInt32, spacing: UInt64, _ table: borrowing Table,
        _ body: (borrowing Table, NetworkNamespaces.Found) -> Value?
    ) -> Value? {
        if let place = known[inode], let value = body(table, place) { return value }
        guard table.now >= lookedAt + cost * spacing else { return nil }
        look(table)
        return known[inode].flatMap { body(table, $0) }
    }
}
