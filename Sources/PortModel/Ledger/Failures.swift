/// The calls that failed: counts each when it fails, and decides when it is reported.
///
/// A failed connect() shows by the state of its socket and, where the kernel lets its return be seen,
/// by what it returned a moment later. The first failure of a process, scope and errno is
/// reported at once, and those like it by a count a second for as long as they go on.
package struct Failures: Sendable {
    /// Whether each failed connect() is followed by a record of what it returned.
    package var awaitsReturns = false
    /// When the hooks came into force, in CLOCK_MONOTONIC nanoseconds; nil if they always were.
    package var followedSince: UInt64?
    /// Calls that failed although no tuple's record says why, by call.
    package private(set) var refusals: [FailedCall: Int] = [:]
    /// All of these calls by cause, while `refusals` has a limit.
    package private(set) var refusalsByCause: [Cause: Calls] = [:]

    /// Failures of bind() that are inferred, while it is not known whether their address is there.
    private var unproven: [Record.Refusal] = []

    /// Connects that failed and have not returned as far as is known, by socket.
    private var returning: [UInt64: (failure: Failure, isReported: Bool)] = [:]
    /// The first of their kind, not reported yet.
    private var ripe: [Failure] = []
    /// The last failure of each kind, with the count of those since the last report.
    private var repeated: [FailedCall: Failure] = [:]

    private static let refusalLimit = 1000
    /// Beyond it, each failure is reported by itself.
    private static let kindLimit = 10_000
    /// Nanoseconds that a report waits for what a connect() returned.
    private static let patience: UInt64 = 100_000_000
    /// ENOMEM, as every architecture numbers it.
    private static let noMemory: UInt16 = 12
    /// EADDRNOTAVAIL; MIPS has another number, and no portgauge.
    private static let addressNotAvailable: UInt16 = 99

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
        if refusals.count < Self.refusalLimit || refusals[kind] != nil {
            refusals[kind, default: 0] += 1
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
        kind.localPort = min(kind.localPort, 1)
        // The cause of what came as far as to search for a port is sure only when it is reported.
        if failure.search != nil { kind.cause = nil }
        var last = failure
        guard let before = repeated[kind] else {
            ripe.append(failure)
            last.count = 0
            if repeated.count < Self.kindLimit { repeated[kind] = last }
            return
        }
        if before.count > 0 { recount(before, as: failure.call.cause, &connections) }
        last.count = before.count + 1
        repeated[kind] = last
    }

    // MARK: What is reported

    /// Namespaces of failures that will be reported.
    var pendingNamespaces: Set<UInt32> {
        ripeNamespaces.union(repeated.values.lazy.filter { $0.count > 0 }.map(\.call.scope.netns))
    }

    /// Namespaces whose bind-held ports decide the causes of what `takeRipe` returns.
    var ripeNamespaces: Set<UInt32> { Set(ripe.map(\.call.scope.netns)) }

    mutating func takeRipe(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        defer { ripe.removeAll(keepingCapacity: true) }
        return ripe.map { diagnose($0, &connections, pools) }
    }

    mutating func takeRepeated(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        let taken = repeated.values.filter { $0.count > 0 }.sorted { $0.time < $1.time }
        repeated = repeated.filter { $0.value.count > 0 }
        for kind in repeated.keys { repeated[kind]?.count = 0 }
        return taken.map { diagnose($0, &connections, pools) }
    }

    mutating func takeAll(_ connections: inout Connections, _ pools: BindPools) -> [Failure] {
        let waiting = returning.values.filter { !$0.isReported }.map(\.failure)
        returning.removeAll()
        ripen(waiting, &connections)
        return takeRipe(&connections, pools) + takeRepeated(&connections, pools)
    }

    // MARK: Causes

    /// Completes a failure by what the bind table, as it was set last, says of the ports.
    private func diagnose(
        _ failure: Failure, _ connections: inout Connections, _ pools: BindPools
    ) -> Failure {
        let netns = failure.call.scope.netns
        let pool = connections.namespaces[netns]?.pool
        let place = failure.call.scope.tuple.flatMap { connections.tuples.place(of: $0) }
        let range = failure.ownRange ?? place.map { connections.tuples[$0].range } ?? pool?.range
        guard let pool, let range else { return failure }
        var failure = failure
        if let key = failure.call.scope.bindPool {
            if let usage = pools.usage(of: key, connections) { failure.usage = usage }
        } else {
            failure.usage.usable = pool.usable(of: range)
            failure.heldBy = place.map { connections.tuples[$0].heldBy } ?? [:]
            if let usage = place.map({ connections.tuples[$0].usage }) {
                failure.usage.outsidePool = min(failure.usage.held, usage.outsidePool)
                failure.usage.reusable = min(failure.usage.reusable, usage.reusable)
            }
        }
        let reserved = pool.reserved.count(in: range)
        let blocked = pool.blocked.count(in: range)
        failure.limit = Failure.Limit(range: range, reserved: reserved, bound: blocked - reserved)
        if failure.search != nil {
            let cause = cause(of: failure, blocked: blocked, pool)
            recount(failure, as: cause, &connections)
            failure.call.cause = cause
        }
        if failure.call.cause == .blocked {
            failure.limit?.holders = pools.holders(of: range, in: netns, limit: 3, connections)
        }
        return failure
    }

    /// The cause of a failure as its report will have it, unless the bind table says otherwise by then.
    private func likelyCause(
        of failure: Failure, at place: Int, _ connections: Connections
    ) -> Cause? {
        guard let pool = connections.namespaces[failure.call.scope.netns]?.pool else { return nil }
        var failure = failure
        var range = connections.tuples[place].range
        if let own = failure.ownRange {
            range = own
            failure.usage.usable = pool.usable(of: own)
        }
        return cause(of: failure, blocked: range.count - failure.usage.usable, pool)
    }

    /// - Parameter blocked: ports of the range that are reserved or bind-held.
    private func cause(of failure: Failure, blocked: Int, _ pool: PortPool) -> Cause {
        let certain = cause(of: failure.call)
        if certain != .noAddress { return certain }
        let usage = failure.usage
        if failure.ownRange != nil, pool.usable(of: pool.range) > usage.held - usage.reusable {
            return .range
        }
        // A search passes over one port of an odd-sized range, and others may have moved meanwhile.
        if !awaitsReturns, usage.available > max(1, usage.usable / 10) {
            return .noMemory
        }
        // All that is usable was taken, by whomever.
        return blocked > usage.usable ? .blocked : .exhausted
    }

    /// The cause of a call that never came as far as to search for a port.
    private func cause(of call: FailedCall) -> Cause {
        if call.errno == Self.noMemory { return .noMemory }
        if call.kind == .bind, call.errno == Self.addressNotAvailable { return .noAddress }
        if call.localPort != 0 { return .collision }
        return call.kind == .bind ? .exhausted : .noAddress
    }

    /// Counts with another cause what was counted with the cause that `failure` has.
    private func recount(_ failure: Failure, as cause: Cause?, _ connections: inout Connections) {
        let (call, before) = (failure.call, failure.call.cause)
        guard before != cause, failure.search != nil, let tuple = call.scope.tuple,
            let place = connections.tuples.place(of: tuple)
        else { return }
        connections.tuples[place].recount(call.process, from: before, to: cause, failure.count)
    }
}
