/// The ports that bind() chooses from when it is asked for any: per local address, whatever the
/// destination will be. When all are used, it fails with EADDRINUSE.
package struct BindPool: Sendable {
    package struct Key: Hashable, Sendable {
        package var netns: UInt32
        /// 0.0.0.0 and :: stand for all addresses: their sockets take a port from each.
        package var local: IPAddress

        package init(netns: UInt32, local: IPAddress) {
            self.netns = netns
            self.local = local
        }

        /// Of the address that a connection comes from.
        init(of tuple: Tuple) { self.init(netns: tuple.netns, local: tuple.local) }
    }

    package let key: Key
    /// Its own among the pools of this run, from 0 on.
    package let number: Int
    /// The namespace's, less what is reserved.
    package internal(set) var usable = 0
    /// Ports of these that a socket of this address, or of all addresses, has, TIME_WAIT included: a
    /// bind() without SO_REUSEADDR finds the others.
    package internal(set) var used = 0
    package internal(set) var peak = 0
    package internal(set) var peakAt: UInt64 = 0
    package internal(set) var failed = 0
    package internal(set) var firstFailureAt: UInt64?
    package internal(set) var processes = TopProcesses()

    init(_ key: Key, number: Int) {
        self.key = key
        self.number = number
    }

    package var usage: PortUsage { PortUsage(held: used, usable: usable) }
}

extension Ledger {
    /// More at once are not followed.
    private static let poolLimit = 1000

    mutating func meetBindPool(of connection: Record.Connection) {
        meetBindPool(BindPool.Key(of: connection.tuple), connection.process)
    }

    private mutating func meetBindPool(_ key: BindPool.Key, _ process: ProcessID) {
        pool(key)
        bindPools[key]?.processes.add(process, opened: 1)
    }

    /// Follows a pool from now on.
    mutating func pool(_ key: BindPool.Key) {
        guard bindPools[key] == nil, bindPools.count < Self.poolLimit else { return }
        bindPools[key] = BindPool(key, number: nextBindPool)
        nextBindPool += 1
    }

    // MARK: Sockets without a connection

    mutating func hold(_ holder: Record.Holder) -> Change? {
        holders[holder.netns, default: []].insert(holder)
        if holder.portChosen {
            let key = BindPool.Key(netns: holder.netns, local: holder.local)
            if bindPools[key] == nil { meetBindPool(key, holder.process) }
        }
        return nil
    }

    /// A new walk of all open files begins, which will find again what is there.
    package mutating func forgetHolders() { holders.removeAll() }

    // MARK: What is used

    /// Counts anew what is used of each pool that a bind() chooses from. Each second, and when one has
    /// failed.
    package mutating func countBindPools(at now: UInt64) {
        guard !bindPools.isEmpty else { return }
        for (key, usage) in usages(of: Array(bindPools.keys)) {
            bindPools[key]?.usable = usage.usable
            bindPools[key]?.used = usage.held
            if usage.held > bindPools[key]?.peak ?? 0 {
                bindPools[key]?.peak = usage.held
                bindPools[key]?.peakAt = now
            }
        }
    }

    /// How pools stand, followed or not; without those whose namespace is not known.
    func usages(of pools: [BindPool.Key]) -> [BindPool.Key: PortUsage] {
        var ports: [BindPool.Key: PortSet] = [:]
        let keys: [[BindPool.Key]] = accounts.map { account in
            guard account.entries > 0 else { return [] }
            return pools.filter {
                $0.netns == account.tuple.netns && $0.local.overlaps(account.tuple.local)
            }
        }
        entries.each { _, entry in
            guard entry.localPort != 0, entry.phase.holds || entry.phase == .bound else { return }
            for key in keys[Int(entry.account)] {
                ports[key, default: PortSet()].insert(entry.localPort)
            }
        }
        var usages: [BindPool.Key: PortUsage] = [:]
        for key in pools {
            guard let pool = namespaces[key.netns]?.pool else { continue }
            var taken = ports[key] ?? PortSet()
            for holder in holders[key.netns] ?? [] where holder.local.overlaps(key.local) {
                taken.insert(holder.localPort)
            }
            usages[key] = PortUsage(
                held: taken.subtracting(pool.reserved).count(in: pool.range),
                usable: pool.range.count - pool.reservedInRange)
        }
        return usages
    }

    /// Who holds most of the ports of `range` that a bind() has taken.
    package func holders(of range: PortRange, in netns: UInt32, limit: Int) -> [Failure.Holder] {
        guard let bound = namespaces[netns]?.pool.bound else { return [] }
        var owner: [UInt16: ProcessID] = [:]
        for holder in holders[netns] ?? []
        where range.contains(holder.localPort) && bound.contains(holder.localPort) {
            owner[holder.localPort] = holder.process
        }
        let isHere = accounts.map { $0.tuple.netns == netns }
        entries.each { _, entry in
            if isHere[Int(entry.account)], entry.pid != 0, range.contains(entry.localPort),
                bound.contains(entry.localPort), owner[entry.localPort] == nil
            {
                owner[entry.localPort] = entry.process
            }
        }
        var counts: [ProcessID: Int] = [:]
        for process in owner.values { counts[process, default: 0] += 1 }
        let byCount = counts.sorted {
            ($0.value, $1.key.pid) > ($1.value, $0.key.pid)
        }
        return byCount.prefix(limit).map {
            Failure.Holder(process: $0.key, ports: $0.value)
        }
    }
}
