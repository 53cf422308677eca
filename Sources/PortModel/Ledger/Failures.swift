/// The calls that failed: counts each when it fails, and decides when it is reported.
///
/// A failed connect() shows by the state of its socket and, where the kernel lets its return be seen,
/// by what it returned a moment later. The first failure of a name, scope and errno is reported at
/// once, and those like it, of whichever process, by a count a second for as long as they go on.
package struct Failures: Sendable {
    /// Whether each failed connect() is followed by a record of what it returned.
    package var awaitsReturns = false
    /// When the hooks came into force, in CLOCK_MONOTONIC nanoseconds; nil if they always were.
    package var followedSince: UInt64?
    /// When the ledger had been filled: what failed before is reported as it stands then.
    package var seededAt: UInt64 = 0
    /// Calls that failed although no tuple's record says why, by call and name.
    private var refused: [FailedCall: Refused] = [:]
    /// All of these calls by cause, while `refused` has a limit.
    package private(set) var refusalsByCause: [Cause: Calls] = [:]

    /// Failures of bind() that are inferred, while it is not known whether their address is there.
    private var unproven: [Record.Refusal] = []

    /// Connects that failed and have not returned as far as is known, by socket.
    private var returning: [UInt64: (failure: Failure, isReported: Bool)] = [:]
    /// The first of their kind, not reported yet.
    private var ripe: [Failure] = []
    /// The last failure of each kind, with the count of those since the last report.
    private var repeated: [FailedCall: Repeated] = [:]

    private struct Refused {
        var count = 0
        var last: ProcessID
        var pids = DistinctPIDs()
    }

    /// Failures of one kind since the last report.
    private struct Repeated {
        /// With their count, and the cause that `callers` were counted with.
        var last: Failure
        /// Of which process how many are to be counted with the cause that is reported; of processes
        /// that it has no room for it is the likely one. Empty: all are of the last.
        private var several: [ProcessID: Int] = [:]

        init(_ first: Failure) {
            last = first
            forget()
        }

        mutating func forget() {
            (last.count, last.processes) = (0, 1)
            several.removeAll()
        }

        var callers: [ProcessID: Int] {
            several.isEmpty ? [last.call.process: last.count] : several
        }

        mutating func add(_ failure: Failure) {
            let (before, process) = (last, failure.call.process)
            last = failure
            last.count = before.count + 1
            last.processes = before.processes
            if several.isEmpty {
                guard before.count > 0, before.call.process != process else { return }
                several = [before.call.process: before.count]
            }
            if several[process] != nil || several.count < DistinctPIDs.limit {
                several[process, default: 0] += 1
                last.processes = max(before.processes, several.count)
            } else {
                last.processes = DistinctPIDs.more
            }
        }
    }

    private static let refusalLimit = 1000
    /// Beyond it, each failure is reported by itself.
    private static let kindLimit = 10_000
    /// Nanoseconds that a report waits for what a connect() returned.
    private static let patience: UInt64 = 100_000_000
    /// ENOMEM, as every architecture numbers it.
    static let noMemory: UInt16 = 12
    /// EADDRNOTAVAIL; MIPS has another number, and no portgauge.
    static let addressNotAvailable: UInt16 = 99

    // MARK: What has failed

    /// A connect() found no port.
    ///
    /// - Parameters:
    ///   - change: of the kind `failed`.
    ///   - ownRange: the socket's own, if it had one.
    mutating func add(
        _ change: Change, search: UInt64, ownRange: PortRange?, of socket: UInt64,
        _ connections: inout Connections
    ) {
        let failure = failure(change, search: search, ownRange: ownRange, connections)
        connections.tuples[change.place].fail(change.process, failure.call.cause, at: change.time)
        guard awaitsReturns else { return ripen(failure, &connections) }
        let before = returning.updateValue((failure, false), forKey: socket)
        // The return of the one before has been lost.
        if let before, !before.isReported { ripen(before.failure, &connections) }
    }

    /// The same, with the cause that its report will have, unless the bind table says otherwise by then.
    private func failure(
        _ change: Change, search: UInt64, ownRange: PortRange?, _ connections: Connections
    ) -> Failure {
        let call = FailedCall(
            scope: .tuple(change.tuple), localPort: change.localPort, process: change.process)
        var failure = Failure(
            call, time: change.time, usage: connections.tuples[change.place].usage)
        failure.search = search
        failure.ownRange = ownRange
        failure.call.cause = likelyCause(of: failure, at: change.place, connections)
        return failure
    }

    /// The cause of such a failure of a process that the filter does not choose, which is not reported.
    func likelyCause(
        of change: Change, search: UInt64, ownRange: PortRange?, _ connections: Connections
    ) -> Cause? {
        failure(change, search: search, ownRange: ownRange, connections).call.cause
    }

    /// A call has returned an error: a connect() whose state has shown that it failed, or another call.
    mutating func add(
        _ refusal: Record.Refusal, _ connections: inout Connections, _ pools: inout BindPools
    ) {
        guard let inferred = refusal.inferred else { return count(refusal, &connections, &pools) }
        guard !inferred.anyAddress, let key = refusal.call.scope.bindPool, !key.local.isAny
        else { return count(refusal, &connections, &pools) }
        unproven.append(refusal)
    }

    /// The local addresses on which failures depend that are inferred.
    var unprovenAddresses: Set<BindPool.Key> { Set(unproven.compactMap(\.call.scope.bindPool)) }

    /// Counts the failures that are inferred.
    ///
    /// - Parameter missing: those of their addresses that are not there.
    mutating func prove(
        missing: Set<BindPool.Key>, _ connections: inout Connections, _ pools: inout BindPools
    ) {
        for var refusal in unproven {
            if let key = refusal.call.scope.bindPool, missing.contains(key) {
                refusal.call.errno = Self.addressNotAvailable
            }
            count(refusal, &connections, &pools)
        }
        unproven.removeAll()
    }

    private mutating func count(
        _ refusal: Record.Refusal, _ connections: inout Connections, _ pools: inout BindPools
    ) {
        var call = refusal.call
        if call.kind == .connect, refusal.socket != 0,
            var awaited = returning.removeValue(forKey: refusal.socket)
        {
            awaited.failure.call.errno = call.errno
            if !awaited.isReported { ripen(awaited.failure, &connections) }
            return
        }
        call.cause = cause(of: call)
        // It searches for some milliseconds: what returns so soon may have begun before.
        if call.cause == .noAddress, let followedSince,
            refusal.time < followedSince &+ Self.patience
        {
            diagnose(early: &call, connections)
        }
        let place = call.scope.tuple.flatMap { connections.tuples.place(of: $0) }
        let usage = place.map { connections.tuples[$0].usage }
        count(call)
        if let key = call.scope.bindPool, call.cause == .exhausted {
            pools.fail(key, call.process, at: refusal.time)
        }
        var failure = Failure(call, time: refusal.time, usage: usage ?? PortUsage(usable: 0))
        failure.isInferred = refusal.inferred != nil
        ripen(failure, &connections)
    }

    /// Judges a connect() whose beginning was not seen by the tuple that it would have used: its socket has
    /// lost the local address by the time it returns.
    private func diagnose(early call: inout FailedCall, _ connections: Connections) {
        call.cause = .beganBefore
        guard let tuple = call.scope.tuple else { return }
        let full = connections.tuples.first {
            $0.tuple.netns == tuple.netns && $0.tuple.remote == tuple.remote
                && $0.tuple.remotePort == tuple.remotePort && $0.tuple.device == tuple.device
                && (tuple.local.isAny || $0.tuple.local == tuple.local) && $0.usage.available <= 1
        }
        guard let full else { return }
        (call.scope, call.cause) = (.tuple(full.tuple), .exhausted)
    }

    private mutating func count(_ call: FailedCall) {
        refusalsByCause[call.cause ?? .exhausted, default: Calls()].add(1, call.kind)
        var kind = call
        kind.errno = nil
        kind.process = call.process.anyOfName
        guard refused.count < Self.refusalLimit || refused[kind] != nil else { return }
        refused[kind, default: Refused(last: call.process)].count += 1
        refused[kind]?.last = call.process
        refused[kind]?.pids.insert(call.process.pid)
    }

    /// Calls that failed although no tuple's record says why: of the first 1,000 kinds.
    package var refusals: [FailedCall.Count] {
        refused.map { call, refused in
            var call = call
            call.process = refused.last
            return FailedCall.Count(call, count: refused.count, processes: refused.pids.count)
        }
    }

    /// Waits no longer for what a connect() returned 100 ms ago.
    mutating func settle(now: UInt64, _ connections: inout Connections) {
        guard !returning.isEmpty else { return }
        var late: [Failure] = []
        for (socket, (failure, isReported)) in returning {
            let age = now &- min(now, failure.time)
            if !isReported, age > Self.patience { late.append(failure) }
            if age > 10 * Self.patience {
                returning[socket] = nil
            } else if age > Self.patience {
                returning[socket]?.isReported = true
            }
        }
        ripen(late, &connections)
    }

    private mutating func ripen(_ failures: [Failure], _ connections: inout Connections) {
        for failure in failures.sorted(by: { $0.time < $1.time }) { ripen(failure, &connections) }
    }

    /// Nothing more will come to be known of a failure: it is the first of its kind, or one more.
    private mutating func ripen(_ failure: Failure, _ connections: inout Connections) {
        var kind = failure.call
        kind.process = kind.process.anyOfName
        kind.localPort = min(kind.localPort, 1)
        // The cause of what came as far as to search for a port is sure only when it is reported.
        if failure.search != nil { kind.cause = nil }
        guard let place = repeated.index(forKey: kind) else {
            ripe.append(failure)
            if repeated.count < Self.kindLimit { repeated[kind] = Repeated(failure) }
            return
        }
        if repeated.values[place].last.call.cause != failure.call.cause {
            let before = repeated.values[place]
            recount(before.callers, of: before.last, as: failure.call.cause, &connections)
        }
        repeated.values[place].add(failure)
    }

    // MARK: What is reported

    /// Namespaces of failures that will be reported.
    var pendingNamespaces: Set<UInt32> {
        ripeNamespaces.union(
            repeated.values.lazy.filter { $0.last.count > 0 }.map(\.last.call.scope.netns))
    }

    /// Namespaces whose bind-held ports decide the causes of what `takeRipe` returns.
    var ripeNamespaces: Set<UInt32> { Set(ripe.map(\.call.scope.netns)) }

    mutating func takeRipe(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        defer { ripe.removeAll(keepingCapacity: true) }
        return ripe.map { diagnose($0, [$0.call.process: 1], &connections, pools) }
    }

    mutating func takeRepeated(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        repeated = repeated.filter { $0.value.last.count > 0 }
        let taken = repeated.values.sorted { $0.last.time < $1.last.time }
        for kind in repeated.keys { repeated[kind]?.forget() }
        return taken.map { diagnose($0.last, $0.callers, &connections, pools) }
    }

    mutating func takeAll(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        let waiting = returning.values.filter { !$0.isReported }.map(\.failure)
        returning.removeAll()
        ripen(waiting, &connections)
        return takeRipe(&connections, pools) + takeRepeated(&connections, pools)
    }
}
