/// What stood in the way of a connect() or a bind() that failed.
extension Ledger {
    /// The failed connect() of `change`, with how its tuple stands now.
    package func failure(_ change: Change) -> Failure? {
        guard case .failed(let search, let range) = change.kind else { return nil }
        var failure = Failure(
            call: .connect, time: change.time, tuple: change.tuple, localPort: change.localPort,
            process: change.process, usage: accounts[change.account].usage)
        failure.search = search
        failure.ownRange = range
        return failure
    }

    /// A call that was refused although no tuple's record says why.
    package mutating func failure(_ refusal: Record.Refusal) -> Failure {
        var failure = Failure(
            call: refusal.call, errno: refusal.errno, time: refusal.time, tuple: refusal.tuple,
            localPort: refusal.localPort, process: refusal.process, usage: PortUsage(usable: 0))
        failure.cause = cause(of: failure, isKnown: true)
        if failure.call == .connect, let index = accountOf[refusal.tuple] {
            failure.usage = accounts[index].usage
        }
        return failure
    }

    /// Enters what has failed besides the tuples' own failures.
    package mutating func enter(_ failure: Failure) {
        if failure.call == .bind, failure.cause == .exhausted {
            let key = BindPool.Key(of: failure.tuple)
            pool(key)
            bindPools[key]?.failed += 1
            bindPools[key]?.processes.add(failure.process, failed: 1)
            if bindPools[key]?.firstFailureAt == nil {
                bindPools[key]?.firstFailureAt = failure.time
            }
        }
        let kind = Refused.Kind(call: failure.call, cause: failure.cause)
        refusalsByKind[kind, default: 0] += 1
        let refused = Refused(
            call: failure.call, cause: failure.cause, tuple: failure.tuple,
            localPort: failure.localPort, process: failure.process)
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
        let netns = failure.tuple.netns
        let pool = namespaces[netns]?.pool
        let range =
            failure.ownRange ?? accountOf[failure.tuple].map { accounts[$0].range } ?? pool?.range
        guard let pool, let range else { return }
        if failure.call == .bind {
            let key = BindPool.Key(of: failure.tuple)
            if let usage = bindPools[key]?.usage ?? usages(of: [key])[key] {
                failure.usage = usage
            }
        } else {
            failure.usage.usable = pool.usable(of: range)
            if let index = accountOf[failure.tuple] {
                failure.usage.elsewhere = min(
                    failure.usage.held, accounts[index].usage.elsewhere)
                failure.usage.reusable = min(
                    failure.usage.reusable, accounts[index].usage.reusable)
            }
        }
        let reserved = pool.reserved.count(in: range)
        failure.wall = Failure.Wall(
            range: range, reserved: reserved,
            bound: pool.blocked.count(in: range) - reserved)
        failure.cause = cause(of: failure, isKnown: isKnown || isPartial)
        if failure.cause == .blocked {
            failure.wall?.holders = holders(of: range, in: netns, limit: 3)
        }
        // What did not come as far as to search is among the refusals.
        if failure.search != nil, let index = accountOf[failure.tuple] {
            accounts[index].causes[failure.cause, default: 0] += failure.count
            accounts[index].processes.add(failure.process, failure.cause, failure.count)
        }
    }

    private func cause(of failure: Failure, isKnown: Bool) -> Cause {
        if failure.errno == Self.noMemory { return .noMemory }
        if failure.localPort != 0 { return .collision }
        if failure.call == .bind { return .exhausted }
        guard failure.search != nil else { return .noAddress }
        let usage = failure.usage
        guard let wall = failure.wall else { return .exhausted }
        if failure.ownRange != nil, let pool = namespaces[failure.tuple.netns]?.pool,
            pool.usable(of: pool.range) > usage.held - usage.reusable
        {
            return .range
        }
        // A search passes over one port of an odd-sized range, and others may have moved meanwhile.
        if !isKnown, usage.available > max(1, usage.usable / 10) { return .noMemory }
        // All that is usable was taken, by whomever.
        return wall.reserved + wall.bound > usage.usable ? .blocked : .exhausted
    }

    /// ENOMEM, as every architecture numbers it.
    private static let noMemory: UInt16 = 12
}
