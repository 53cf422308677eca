import Events
import LinuxSystem
import PortModel
import Probe
import Report

/// Takes one look at the kernel's tables, without following anything.
package enum SnapshotTaker {
    /// Looks by BPF or, where that is not allowed, by sock_diag: then `refusal` says why.
    package static func take(
        _ filter: Probe.Filter
    ) throws(SystemError) -> (snapshot: Snapshot, context: RenderContext, refusal: SystemError?) {
        var pipeline = Pipeline.live()
        var refusal: SystemError?
        do throws(SystemError) { try read(filter, into: &pipeline) } catch {
            refusal = error
            pipeline = Pipeline.live()
            try readDiag(filter, into: &pipeline)
        }
        let now = Clock.monotonic
        pipeline.settle(now: now)
        pipeline.ledger.countBindPools()
        let source: Snapshot.Source = refusal == nil ? .kernel : .sockDiag
        return (Snapshot(of: pipeline.ledger, source: source), pipeline.context, refusal)
    }

    private static func read(
        _ filter: Probe.Filter, into pipeline: inout Pipeline
    ) throws(SystemError) {
        var probe = try Probe(lookingFor: filter)
        try Capability.keepOnly(Capability.whileTracing)
        // The settings first, as a connection without them is none of any pool.
        var bound: [UInt32: PortSet] = [:]
        for place in probe.namespaces() {
            if let found = probe.boundPorts(in: place) { bound[found.netns] = found.ports }
            probe.drainAll { pipeline.take($0.named(by: place)) }
        }
        var reconciler = Reconciler(
            interval: nil, filter: filter, places: NamespacePlaces(), now: probe.now)
        // With a filter by process, who owns what has to be known before.
        try reconciler.seed(&probe, &pipeline, rounds: filter.isByProcess ? 2 : 1)
        // Only now: of several namespaces some may have been described by their first socket.
        for (netns, ports) in bound { pipeline.ledger.setBound(ports, in: netns) }
    }
}

extension Record {
    /// The same, with a process of the namespace that it describes, where the kernel knew of none.
    func named(by place: NetworkNamespaces.Found?) -> Record {
        guard case .namespace(let netns, let namespace, 0) = self, let place,
            place.inode == namespace.inode
        else { return self }
        return .namespace(netns: netns, namespace, pid: place.pid)
    }
}

extension Pipeline {
    /// Makes one for this host.
    package static func live(
        thresholds: [Int] = AlertThresholds.defaultThresholds, sinks: [any EventSink] = []
    ) -> Pipeline {
        Pipeline(
            thresholds: thresholds, sinks: sinks,
            context: RenderContext(
                timestamps: Timestamps(
                    realtimeOffset: Clock.realtimeOffset, localOffset: Clock.localOffset),
                namespaceNames: [:], ownNamespace: nil, errnoName: errnoName),
            ownInode: NetworkNamespaces.own,
            naming: { NetworkNamespaces.name(of: NetworkNamespaces.Found(inode: $0, pid: $1)) })
    }
}
