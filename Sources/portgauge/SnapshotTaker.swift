import Events
import PortModel
import Probe
import Report

/// One look at the kernel's tables, without following anything.
enum SnapshotTaker {
    /// By BPF or, where that is not allowed, by sock_diag: then `refusal` says why.
    static func take(
        _ filter: Probe.Filter
    ) throws(ProbeError) -> (snapshot: Snapshot, context: RenderContext, refusal: ProbeError?) {
        let places = NetworkNamespaces.all()
        var ledger = Ledger()
        var refusal: ProbeError?
        do throws(ProbeError) {
            try read(places, filter, into: &ledger)
        } catch {
            refusal = error
            ledger = Ledger()
            try readDiag(filter, into: &ledger)
        }
        let source: Snapshot.Source = refusal == nil ? .kernel : .sockDiag
        return (Snapshot(of: ledger, source: source), context(ledger, places), refusal)
    }

    private static func read(
        _ places: [NetworkNamespaces.Found], _ filter: Probe.Filter, into ledger: inout Ledger
    ) throws(ProbeError) {
        var probe = try Probe(lookingFor: filter)
        try Capability.keepOnly(Capability.whileTracing)
        // Its settings first, as a connection without them is none of any pool.
        var bound: [UInt32: PortSet] = [:]
        for place in places {
            if let found = probe.boundPorts(in: place) { bound[found.netns] = found.ports }
            probe.drainAll { _ = ledger.apply($0) }
        }
        var owners = OwnerFilter(filter)
        ledger.beginWalk(for: .seed, at: Clock.monotonic)
        // With a filter by process, who owns what has to be known before.
        try probe.snapshot(of: places, rounds: owners.isNeeded ? 2 : 1) { record in
            if let record = owners.admit(record, isKnown: { ledger.knows($0) }) {
                _ = ledger.apply(record)
            }
        }
        _ = ledger.endWalk(of: [])
        // Only now: of several namespaces some may have been described by their first socket.
        for (netns, ports) in bound { ledger.setBound(ports, in: netns) }
        let now = Clock.monotonic
        ledger.settle(now: now) { _ in }
        ledger.countBindPools(at: now)
    }

    private static func context(
        _ ledger: Ledger, _ places: [NetworkNamespaces.Found]
    ) -> RenderContext {
        var names: [UInt32: String] = [:]
        var own: UInt32?
        for (netns, namespace) in ledger.namespaces {
            let place = places.first { $0.inode == namespace.inode }
            names[netns] = place.flatMap(NetworkNamespaces.name) ?? String(namespace.inode)
            if namespace.inode == NetworkNamespaces.own { own = netns }
        }
        return RenderContext(
            timestamps: Timestamps(
                realtimeOffset: Clock.realtimeOffset, localOffset: Clock.localOffset),
            namespaceNames: names, ownNamespace: own, errnoName: errnoName)
    }
}
