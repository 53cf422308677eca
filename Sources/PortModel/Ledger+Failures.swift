/// What stood in the way of a connect() or a bind() that failed.
extension Ledger {
    /// The failed connect() of `change`, with how its tuple stands now.
    package func failure(_ change: Change) -> Failure? {
        guard case .failed(let search, let range) = change.kind else { return nil }
        let call = FailedCall(
            scope: .tuple(change.tuple), localPort: change.localPort, process: change.process)
        var failure = Failure(call, time: change.time, usage: accounts[change.account].usage)
        failure.search = search
        failure.ownRange = range
        return failure
    }

    /// A call that was refused although no tuple's record says why.
    package mutating func failure(_ refusal: Record.Refusal) -> Failure {
        var failure = Failure(refusal.call, time: refusal.time, usage: PortUsage(usable: 0))
        failure.call.cause = cause(of: failure, isKnown: true)
        if let index = failure.call.scope.tuple.flatMap({ accountOf[$0] }) {
            failure.usage = accounts[index].usage
        }
        return failure
    }

    /// Enters what has failed besides the tuples' own failures.
    package mutating func enter(_ failure: Failure) {
        if let key = failure.call.scope.bindPool, failure.call.cause == .exhausted {
            pool(key)
            bindPools[key]?.failed += 1
            bindPools[key]?.processes.add(failure.call.process, failed: 1)
            if bindPools[key]?.firstFailureAt == nil {
                bindPools[key]?.firstFailureAt = failure.time
            }
        }
        var refused = failure.call
        refused.errno = nil
        refusalsByCause[failure.call.cause ?? .exhausted, default: Calls()].add(1, refused.kind)
        if refusals.count < Self.refusedLimit || refusals[refused] != nil {
            refusals[refused, default: 0] += 1
        }
    }

    private static let refusedLimit = 1000

    /// Completes what is to be told of a failure: its cause, and what takes the ports. To be called
    /// when the bind-held ports of the namespace are up to date.
    ///
    /// - Parameter isKnown: what each connect() returned is told, so that what was not told was no lack
    ///   of memory.
    package mutating func diagnose(_ failure: inout Failure, isKnown: Bool) {
        let netns = failure.call.scope.netns
        let pool = namespaces[netns]?.pool
        let account = failure.call.scope.tuple.flatMap { accountOf[$0] }
        let range = failure.ownRange ?? account.map { accounts[$0].range } ?? pool?.range
        guard let pool, let range else { return }
        if let key = failure.call.scope.bindPool {
            if let usage = bindPools[key]?.usage ?? usages(of: [key])[key] {
                failure.usage = usage
            }
        } else {
            failure.usage.usable = pool.usable(of: range)
            if let index = account {
                failure.usage.elsewhere = min(
                    failure.usage.held, accounts[index].usage.elsewhere)
                failure.usage.reusable = min(
                    failure.usage.reusable, accounts[index].usage.reusable)
            }
        }
        let reserved = pool.reserved.count(in: range)
        failure.limit = Failure.Limit(
            range: range, reserved: reserved,
            bound: pool.blocked.count(in: range) - reserved)
        failure.call.cause = cause(of: failure, isKnown: isKnown || isPartial)
        if failure.call.cause == .blocked {
            failure.limit?.holders = holders(of: range, in: netns, limit: 3)
        }
        // What did not come as far as to search is among the refusals.
        if failure.search != nil, let index = account, let cause = failure.call.cause {
            accounts[index].causes[cause, default: 0] += failure.count
            accounts[index].processes.add(failure.call.process, cause, failure.count)
        }
    }

    private func cause(of failure: Failure, isKnown: Bool) -> Cause {
        if failure.call.errno == Self.noMemory { return .noMemory }
        if failure.call.localPort != 0 { return .collision }
        if failure.call.kind == .bind { return .exhausted }
        guard failure.search != nil else { return .noAddress }
        let usage = failure.usage
        guard let limit = failure.limit else { return .exhausted }
        if failure.ownRange != nil, let pool = namespaces[failure.call.scope.netns]?.pool,
            pool.usable(of: pool.range) > usage.held - usage.reusable
        {
            return .range
        }
        // A search passes over one port of an odd-sized range, and others may have moved meanwhile.
        if !isKnown, usage.available > max(1, usage.usable / 10) { return .noMemory }
        // All that is usable was taken, by whomever.
        return limit.reserved + limit.bound > usage.usable ? .blocked : .exhausted
    }

    /// ENOMEM, as every architecture numbers it.
    private static let noMemory: UInt16 = 12
}
