/// The calls that failed: counts each when it fails, and decides when it is reported.
///
/// A failed connect() shows by the state of its socket and, where the kernel lets its return be seen,
/// by what it returned a moment later. The first failure of a name, scope and errno is reported at
/// once, and those like it, of whichever process, by a count a second for as long as they go on.
package struct Failures: Sendable {
    /// Whether each failed connect() is followed by a record of what it returned.
    package var awaitsReturns = false
    /// Calls that failed although no tuple's record says why, by call and name.
    private var refused: [FailedCall: Refused] = [:]
    /// All of these calls by cause, while `refused` has a limit.
    package private(set) var refusalsByCause: [Cause: Calls] = [:]

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
    private static let noMemory: UInt16 = 12

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
        let call = FailedCall(
            scope: .tuple(change.tuple), localPort: change.localPort, process: change.process)
        var failure = Failure(
            call, time: change.time, usage: connections.tuples[change.place].usage)
        failure.search = search
        failure.ownRange = ownRange
        failure.call.cause = likelyCause(of: failure, at: change.place, connections)
        connections.tuples[change.place].fail(change.process, failure.call.cause, at: change.time)
        guard awaitsReturns else { return ripen(failure, &connections) }
        let before = returning.updateValue((failure, false), forKey: socket)
        // The return of the one before has been lost.
        if let before, !before.isReported { ripen(before.failure, &connections) }
    }

    /// A call has returned an error: a connect() whose state has shown that it failed, or another call.
    mutating func add(
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
        let place = call.scope.tuple.flatMap { connections.tuples.place(of: $0) }
        let usage = place.map { connections.tuples[$0].usage }
        count(call)
        if let key = call.scope.bindPool, call.cause == .exhausted {
            pools.fail(key, call.process, at: refusal.time)
        }
        ripen(Failure(call, time: refusal.time, usage: usage ?? PortUsage(usable: 0)), &connections)
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

    // MARK: Causes

    /// Completes a failure by what the bind table, as it was set last, says of the ports.
    ///
    /// - Parameter callers: how many of them are of which process.
    private func diagnose(
        _ failure: Failure, _ callers: [ProcessID: Int], _ connections: inout Connections,
        _ pools: BindPools
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
            recount(callers, of: failure, as: cause, &connections)
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
        if call.localPort != 0 { return .collision }
        return call.kind == .bind ? .exhausted : .noAddress
    }

    /// Counts with another cause what was counted with the cause that `failure` has.
    private func recount(
        _ callers: [ProcessID: Int], of failure: Failure, as cause: Cause?,
        _ connections: inout Connections
    ) {
        let before = failure.call.cause
        guard before != cause, failure.search != nil, let tuple = failure.call.scope.tuple,
            let place = connections.tuples.place(of: tuple)
        else { return }
        for (process, count) in callers {
            connections.tuples[place].recount(process, from: before, to: cause, count)
        }
    }
}
