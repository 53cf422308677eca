/// Why calls have failed.
extension Failures {
    /// Completes a failure by what the bind table, as it was set last, says of the ports.
    ///
    /// - Parameter callers: how many of them are of which process.
    func diagnose(
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
            failure.heldBy = place.map { connections.tuples[$0].heldBy } ?? [:]
            if let usage = place.map({ connections.tuples[$0].usage }) {
                if failure.time < seededAt { failure.usage = usage }
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
    func likelyCause(
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
    func cause(of failure: Failure, blocked: Int, _ pool: PortPool) -> Cause {
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
    func cause(of call: FailedCall) -> Cause {
        if call.errno == Self.noMemory { return .noMemory }
        if call.kind == .bind, call.errno == Self.addressNotAvailable { return .noAddress }
        if call.localPort != 0 { return .collision }
        return call.kind == .bind ? .exhausted : .noAddress
    }

    /// Counts with another cause what was counted with the cause that `failure` has.
    func recount(
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
