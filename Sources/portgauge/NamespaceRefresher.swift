import PortModel
import Probe

/// Keeps up to date what no event tells: which ports a bind() holds, who holds them, and a namespace's
/// settings while nobody connects there.
struct NamespaceRefresher {
    private let places: NamespacePlaces
    /// When each namespace was looked at last, by its identity.
    private var looked: [UInt32: UInt64] = [:]
    /// When it walked last, and what that took.
    private var walkedAt: UInt64 = 0
    private var walkCost: UInt64 = 0
    private var walksAreDue = false
    private var nextLook: UInt64 = 0

    private static let second: UInt64 = 1_000_000_000
    /// What a look or a walk may take: one part in so many of a CPU.
    private static let spacing: UInt64 = 200
    /// The same where a failure is to be told: nobody wants to wait for the name of who is to blame.
    private static let urgentSpacing: UInt64 = 1

    init(places: NamespacePlaces) { self.places = places }

    /// To be called each second.
    mutating func secondPassed(_ now: UInt64, _ probe: inout Probe, _ road: inout Road)
        throws(ProbeError)
    {
        if now >= nextLook {
            let spent = Clock.processorTime
            for netns in road.ledger.occupiedNamespaces {
                look(at: netns, now, spacing: Self.spacing, probe, &road)
            }
            nextLook = now + (Clock.processorTime - spent) * Self.spacing
            looked = looked.filter { road.ledger.namespaces[$0.key] != nil }
        }
        try walkIfDue(now, spacing: Self.spacing, &probe, &road)
        road.ledger.countBindPools()
    }

    /// Before failures are told: as it is now, and no older than a hundredth of a second.
    mutating func beforeTelling(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        guard !road.ledger.failingNamespaces.isEmpty else { return }
        let now = Clock.monotonic
        lookAtFailing(now, probe, &road)
        // It reads what has happened meanwhile, too: others may have failed.
        try walkIfDue(now, spacing: Self.urgentSpacing, &probe, &road)
        lookAtFailing(now, probe, &road)
        road.ledger.countBindPools()
    }

    private mutating func lookAtFailing(
        _ now: UInt64, _ probe: borrowing Probe, _ road: inout Road
    ) {
        for netns in road.ledger.failingNamespaces
        where now - (looked[netns] ?? 0) > Self.second / 100 {
            look(at: netns, now, spacing: Self.urgentSpacing, probe, &road)
        }
    }

    /// At the start and at the end: all of it.
    mutating func survey(_ probe: inout Probe, _ road: inout Road) throws(ProbeError) {
        let now = Clock.monotonic
        for netns in road.ledger.namespaces.keys {
            look(at: netns, now, spacing: Self.spacing, probe, &road)
        }
        try walk(now, &probe, &road)
        road.ledger.countBindPools()
    }

    private mutating func look(
        at netns: UInt32, _ now: UInt64, spacing: UInt64, _ probe: borrowing Probe,
        _ road: inout Road
    ) {
        guard let namespace = road.ledger.namespaces[netns],
            let bound = Self.boundPorts(netns, namespace.inode, places, spacing, probe)
        else { return }
        looked[netns] = now
        if bound != namespace.pool.bound { walksAreDue = true }
        road.ledger.setBound(bound, in: netns)
    }

    private static func boundPorts(
        _ netns: UInt32, _ inode: UInt32, _ places: NamespacePlaces, _ spacing: UInt64,
        _ probe: borrowing Probe
    ) -> PortSet? {
        places.reach(inode, spacing: spacing) { place in
            probe.boundPorts(in: place).flatMap { $0.netns == netns ? $0.ports : nil }
        }
    }

    private mutating func walkIfDue(
        _ now: UInt64, spacing: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) {
        if walksAreDue, now >= walkedAt + walkCost * spacing { try walk(now, &probe, &road) }
    }

    /// All open files: who holds the ports without a connection.
    private mutating func walk(
        _ now: UInt64, _ probe: inout Probe, _ road: inout Road
    ) throws(ProbeError) {
        let spent = Clock.processorTime
        road.ledger.forgetHolders()
        try probe.owners { road.take($0) }
        walksAreDue = false
        walkedAt = now
        walkCost = Clock.processorTime - spent
    }
}
