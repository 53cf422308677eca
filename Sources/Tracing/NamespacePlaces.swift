import LinuxSystem
import PortModel
import Probe

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
