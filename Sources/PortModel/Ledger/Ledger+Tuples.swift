/// The tuples as a whole.
extension Ledger {
    /// The accounts in use, in no order.
    package var tuples: [TupleState] { accountOf.values.map { accounts[$0] } }

    /// Connects that are neither known to have got a port nor to have failed.
    package var undecided: Int {
        searching.count {
            guard let place = entries.find($0.socket) else { return false }
            return entries[place].phase == .searching && entries[place].openedAt == $0.since
        }
    }

    /// The tuples in which anything changed since the last call, in the order they did.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds.
    package mutating func takeTicks(at now: UInt64) -> [Tick] {
        defer { touched.removeAll(keepingCapacity: true) }
        return touched.compactMap { index in
            let account = accounts[index]
            guard let before = account.totalsAtLastTick else { return nil }
            accounts[index].totalsAtLastTick = nil
            var tick = Tick(account, at: index, since: before)
            accounts[index].searchesAtLastTick = account.searches
            if tick.since.opened > 0 { accounts[index].rates.add(UInt64(tick.since.opened)) }
            let usage = account.usage
            if account.flow != nil
                || RateHistory.isWorthwhile(held: usage.used, usable: usage.usable)
            {
                accounts[index].flow = account.flow ?? RateHistory()
                accounts[index].flow?.secondPassed(
                    RateHistory.Step(tick.since, since: account.touchedAt, until: now))
                // It costs 4 µs: not for those that are far from any trouble.
                if usage.share > 0.1 { tick.forecast = forecast(of: index, at: now) }
            }
            return tick
        }
    }

    /// When the ports of an account will have run out; nil while there is too little to tell by.
    package func forecast(of account: Int, at now: UInt64) -> Forecast? {
        var step = RateHistory.Step(until: now)
        if let before = accounts[account].totalsAtLastTick {
            var since = accounts[account].totals
            since.subtract(before)
            step = RateHistory.Step(since, since: accounts[account].touchedAt, until: now)
        }
        let usage = accounts[account].usage
        var ports = PortsNow(
            usable: usage.usable, available: usage.available,
            waiting: max(0, usage.timeWait - usage.reusable))
        if let rules = accounts[account].reuse, rules.timestamps {
            ports.timeWaitCost = UInt64(rules.reuseDelay) * Self.millisecond
        }
        return (accounts[account].flow ?? RateHistory()).forecast(ports, with: step)
    }

    /// Nanoseconds that a search for a port took, on average of those that took long.
    package func longSearch(of account: Int) -> Double? { accounts[account].searches.mean }

    /// How an account stands: without copying the rest of it.
    package func usage(of account: Int) -> PortUsage { accounts[account].usage }

    /// Drops the tuples that hold nothing and never failed: when there are more than `limit`, or
    /// more than `goneLimit` whose namespace is gone.
    package mutating func forgetIdle(keeping limit: Int, gone goneLimit: Int) {
        if goneTuples > goneLimit {
            let existing = Set(namespaces.keys)
            forgetIdle { !existing.contains($0.netns) }
            goneTuples = 0
        }
        if accountOf.count > limit { forgetIdle { _ in true } }
    }

    private mutating func forgetIdle(_ isDue: (Tuple) -> Bool) {
        for (tuple, index) in accountOf where isDue(tuple) {
            let account = accounts[index]
            guard account.entries == 0, account.totals.failed == 0,
                account.totalsAtLastTick == nil
            else { continue }
            accountOf[tuple] = nil
            vacant.append(index)
            forgotten.tuples += 1
            forgotten.totals.opened += account.totals.opened
            forgotten.totals.closed += account.totals.closed
        }
    }

    /// A namespace no longer exists: nothing that it still holds here can be there.
    package mutating func close(namespace netns: UInt32) {
        namespaces[netns] = nil
        holders[netns] = nil
        ripening[netns] = nil
        bindPools = bindPools.filter { $0.key.netns != netns || $0.value.failed > 0 }
        goneTuples += accountOf.keys.count { $0.netns == netns }
    }

    /// Whether a socket, or a TIME_WAIT by its address, is in the ledger.
    package func knows(_ socket: UInt64) -> Bool { entries.find(socket) != nil }

    /// Namespaces with ports that are held although nothing is known of them: what describes them was
    /// lost, or another has their inode number by now.
    package var undescribed: Set<UInt32> {
        var found: Set<UInt32> = []
        for (tuple, index) in accountOf
        where accounts[index].held > 0 && namespaces[tuple.netns] == nil {
            found.insert(tuple.netns)
        }
        return found
    }

    /// Namespaces in which a port is held, or that bind() chooses ports in.
    package var occupiedNamespaces: Set<UInt32> {
        var found = Set(bindPools.keys.map(\.netns))
        for (tuple, index) in accountOf where accounts[index].entries > 0 {
            found.insert(tuple.netns)
        }
        return found.intersection(namespaces.keys)
    }

    /// Ports held in a namespace.
    package func held(in netns: UInt32) -> Int {
        accountOf.reduce(0) { $1.key.netns == netns ? $0 + accounts[$1.value].held : $0 }
    }
}
