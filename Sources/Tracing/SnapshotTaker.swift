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
        pipeline.ledger.isFiltered = filter.isByProcess
        var refusal: SystemError?
        do throws(SystemError) { try read(filter, into: &pipeline) } catch {
            refusal = error
            pipeline = Pipeline.live()
            pipeline.ledger.isFiltered = filter.isByProcess
            try readDiag(filter, into: &pipeline)
        }
        let now = Clock.monotonic
        pipeline.settle(now: now)
        pipeline.ledger.countBindPools()
        pipeline.nameDevices()
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
            probe.drainAll { pipeline.take($0.named(by: [place.inode: place])) }
        }
        var reconciler = Reconciler(
            interval: nil, places: NamespacePlaces(), now: probe.now)
        try reconciler.seed(&probe, &pipeline, rounds: 1)
        // Only now: of several namespaces some may have been described by their first socket.
        for (netns, ports) in bound { pipeline.ledger.setBound(ports, in: netns) }
    }

    // MARK: By sock_diag, which needs no rights, and tells less

    private static func readDiag(
        _ filter: Probe.Filter, into pipeline: inout Pipeline
    ) throws(SystemError) {
        let surveys = try [NamespaceSurvey.own()] + NamespaceSurvey.others().surveys
        let inodes = surveys.flatMap { $0.sockets ?? [] }.map(\.inode)
        let owners = ProcessList().owners(of: Set(inodes))
        pipeline.ledger.beginScan(for: .seed, at: Clock.monotonic)
        for survey in surveys { enter(survey, owners, filter, into: &pipeline) }
        _ = pipeline.ledger.endScan(of: [])
    }

    private static func enter(
        _ survey: NamespaceSurvey, _ owners: [UInt32: ProcessID], _ filter: Probe.Filter,
        into pipeline: inout Pipeline
    ) {
        let netns = survey.found.inode
        let namespace = survey.settings.namespace
        pipeline.take(.namespace(netns: netns, namespace, pid: survey.found.pid))
        let sockets = survey.sockets ?? []
        let holding = sockets.filter { $0.state == .listen || $0.state == .bound }
        var bound = PortSet()
        for socket in holding { bound.insert(socket.localPort) }
        pipeline.ledger.setBound(bound.limited(to: namespace.pool.range), in: netns)
        for socket in holding {
            let holder = Record.Holder(
                netns: netns, local: socket.local, localPort: socket.localPort,
                process: owners[socket.inode] ?? .unknown, isListening: socket.state == .listen)
            pipeline.take(.holder(holder))
        }
        let listening = Set(sockets.filter { $0.state == .listen }.map(\.localPort))
        for socket in sockets where isOutgoing(socket, listening) {
            let process = owners[socket.inode] ?? .unknown
            guard filter.admits(socket.remote, socket.remotePort) else { continue }
            let isOther = filter.isByProcess && !filter.admits(process)
            pipeline.take(record(socket, netns, namespace, process, isOther))
        }
    }

    /// Nobody listens where it comes from, as far as can be told from outside.
    private static func isOutgoing(_ socket: KernelSocket, _ listening: Set<UInt16>) -> Bool {
        switch socket.state {
        case .listen, .bound, .newSynReceived: false
        default: !listening.contains(socket.localPort) && socket.cookie != 0
        }
    }

    private static func record(
        _ socket: KernelSocket, _ netns: UInt32, _ namespace: Namespace, _ process: ProcessID,
        _ isOther: Bool
    ) -> Record {
        var connection = Record.Connection(
            time: Clock.monotonic, socket: socket.cookie,
            tuple: Tuple(
                netns: netns, device: socket.device, local: socket.local, remote: socket.remote,
                remotePort: socket.remotePort),
            localPort: socket.localPort, process: process, range: namespace.pool.range)
        connection.isOther = isOther
        guard socket.isTimeWait else {
            let state: Record.State = socket.state == .synSent ? .connecting : .established
            return .exists(connection, state: state)
        }
        let left = UInt64(socket.expires) * 1_000_000
        connection.age = TimeWaitRules.length - min(TimeWaitRules.length, left)
        connection.reusable = namespace.timeWait.timestamps && socket.state == .timeWait
        return .exists(connection, state: .timeWait)
    }
}

extension Record {
    /// The same, with a process of the namespace that it describes, where the kernel knew of none.
    func named(by places: [UInt32: NetworkNamespaces.Found]) -> Record {
        guard case .namespace(let netns, let namespace, 0) = self,
            let place = places[namespace.inode]
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
            naming: { NetworkNamespaces.name(of: NetworkNamespaces.Found(inode: $0, pid: $1)) },
            deviceNaming: { NetworkNamespaces.deviceName($1, in: $0) })
    }
}

extension Probe.Filter {
    func admits(_ process: ProcessID) -> Bool {
        (pids.isEmpty || pids.contains(process.pid))
            && (names.isEmpty || names.contains(process.name))
    }

    fileprivate func admits(_ address: IPAddress, _ port: UInt16) -> Bool {
        remotes.isEmpty || remotes.contains { $0.contains(address, port) }
    }
}
