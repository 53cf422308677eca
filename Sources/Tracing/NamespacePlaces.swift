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
        if let ports = read(netns, inode, table) { return ports }
        guard table.now >= lookedAt + cost * spacing else { return nil }
        look(table)
        return read(netns, inode, table)
    }

    private func read(
        _ netns: UInt32, _ inode: UInt32, _ table: borrowing some KernelTable & ~Copyable
    ) -> PortSet? {
        guard let place = known[inode], let found = table.boundPorts(in: place),
            found.netns == netns
        else { return nil }
        return found.ports
    }
}
