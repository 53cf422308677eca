/// Losses, and differences that audits have found: how far the counts can be trusted.
package struct Accuracy: Hashable, Sendable {
    /// Records the ring had no room for.
    package var lost: UInt64 = 0
    /// Transitions for which the kernel skipped a copy of the program, and those no copy may have seen.
    package var skipped: UInt64 = 0
    package var slipped: UInt64 = 0

    /// Audits: comparisons of the ledger with the kernel's table.
    package var audits = 0
    /// The largest difference that an audit found, in ports, and what it was at the end.
    package var largestDrift = 0
    package var lastDrift = 0
    /// Sockets that were not counted when it was last compared, as nothing tells who connected.
    package var uncertain = 0
    /// Times that the ledger was filled anew from the kernel's table, after a loss or a difference.
    package var repairs = 0

    /// Connects begun, and those that got no port: counted in the kernel, exact despite losses.
    package var counted: Counted?

    package struct Counted: Hashable, Sendable {
        package var opened: Int
        package var failed: Int

        package init(opened: Int, failed: Int) { (self.opened, self.failed) = (opened, failed) }
    }

    package init() {}

    /// Each tuple's totals are what happened; otherwise they are lower bounds.
    package var isComplete: Bool { lost == 0 && slipped == 0 }
}

/// The ledger held against the kernel's table of one network namespace.
package struct Audit: Sendable {
    package var netns: UInt32
    /// Connections in the table, and how long it took to read it, in nanoseconds.
    package var sockets: Int
    package var duration: UInt64
    /// Sockets that were not compared, as nothing tells who connected.
    package var uncertain = 0
    /// Ledger minus kernel, in ports held, where they differed; corrected since.
    package var drift: [(tuple: Tuple, ports: Int)] = []

    package init(netns: UInt32, sockets: Int, duration: UInt64) {
        (self.netns, self.sockets, self.duration) = (netns, sockets, duration)
    }

    /// Ports, whatever their sign.
    package var totalDrift: Int { drift.reduce(0) { $0 + abs($1.ports) } }
}
