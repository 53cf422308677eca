/// The ports that bind() chooses from when it is asked for any: per local address, whatever the
/// destination will be. When all are used, it fails with EADDRINUSE.
package struct BindPool: Sendable {
    package struct Key: Hashable, Sendable {
        package var netns: UInt32
        /// 0.0.0.0 and :: stand for all addresses: their sockets take a port from each.
        package var local: IPAddress

        package init(netns: UInt32, local: IPAddress) { (self.netns, self.local) = (netns, local) }
    }

    package let key: Key
    /// The number of this pool among all of the run, from 0 on.
    package let number: Int
    /// Ports of the namespace's range that are not reserved.
    package private(set) var usable = 0
    /// Ports of these that a socket of this address, or of all addresses, has, TIME_WAIT included: a
    /// bind() without SO_REUSEADDR finds the others.
    package private(set) var used = 0
    package private(set) var peak = 0
    package private(set) var failed = 0
    package private(set) var firstFailureAt: UInt64?
    package fileprivate(set) var processes = Callers()

    fileprivate init(_ key: Key, number: Int) {
        self.key = key
        self.number = number
    }

    package var usage: PortUsage { PortUsage(held: used, usable: usable) }

    fileprivate mutating func count(_ usage: PortUsage) {
        usable = usage.usable
        used = usage.held
        peak = max(peak, used)
    }

    fileprivate mutating func fail(_ process: ProcessID, at time: UInt64) {
        failed += 1
        processes.add(process, failed: 1)
        processes.recount(process, from: nil, to: .exhausted, 1)
        if firstFailureAt == nil { firstFailureAt = time }
    }
}

/// The pools that bind() chooses ports from, and the sockets that hold a port without a connection.
struct BindPools: Sendable {
    private(set) var known: [BindPool.Key: BindPool] = [:]
    private var next = 0
    /// The holders in each namespace, as the last walk of all open files has found them.
    private var holders: [UInt32: Set<Record.Holder>] = [:]

    /// More at once are not followed.
    private static let limit = 1000

    /// The bind() of a connection has chosen its port.
    mutating func meet(_ connection: Record.Connection) {
        let tuple = connection.tuple
        let key = BindPool.Key(netns: tuple.netns, local: tuple.local)
        follow(key)
        known[key]?.processes.add(connection.process, opened: 1)
    }

    mutating func add(_ holder: Record.Holder) {
        holders[holder.netns, default: []].insert(holder)
        let key = BindPool.Key(netns: holder.netns, local: holder.local)
        guard holder.portChosen, known[key] == nil else { return }
        follow(key)
        known[key]?.processes.add(holder.process, opened: 1)
    }

    mutating func fail(_ key: BindPool.Key, _ process: ProcessID, at time: UInt64) {
        follow(key)
        known[key]?.fail(process, at: time)
    }

    private mutating func follow(_ key: BindPool.Key) {
        guard known[key] == nil, known.count < Self.limit else { return }
        known[key] = BindPool(key, number: next)
        next += 1
    }

    mutating func forgetHolders() { holders.removeAll() }

    mutating func close(namespace netns: UInt32) {
        holders[netns] = nil
        known = known.filter { $0.key.netns != netns || $0.value.failed > 0 }
    }

    // MARK: Usage

    /// Counts anew how many ports of each pool are used.
    mutating func count(_ connections: Connections) {
        guard !known.isEmpty else { return }
        for (key, usage) in usages(of: Array(known.keys), connections) { known[key]?.count(usage) }
    }

    /// The usage of a pool, followed or not; nil if its namespace is not known.
    func usage(of key: BindPool.Key, _ connections: Connections) -> PortUsage? {
        known[key]?.usage ?? usages(of: [key], connections)[key]
    }

    private func usages(
        of pools: [BindPool.Key], _ connections: Connections
    ) -> [BindPool.Key: PortUsage] {
        var ports: [BindPool.Key: PortSet] = [:]
        let keys: [[BindPool.Key]] = connections.tuples.byPlace { state in
            guard state.entries > 0 else { return [] }
            return pools.filter {
                $0.netns == state.tuple.netns && $0.local.overlaps(state.tuple.local)
            }
        }
        connections.each { entry in
            guard entry.localPort != 0, entry.phase.holdsPort || entry.phase == .bound else {
                return
            }
            for key in keys[entry.tuple] { ports[key, default: PortSet()].insert(entry.localPort) }
        }
        var usages: [BindPool.Key: PortUsage] = [:]
        for key in pools {
            guard let pool = connections.namespaces[key.netns]?.pool else { continue }
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

    /// The processes that hold most of the ports of `range` that a bind() has taken.
    func holders(
        of range: PortRange, in netns: UInt32, limit: Int, _ connections: Connections
    ) -> [Failure.Holder] {
        guard let bound = connections.namespaces[netns]?.pool.bound else { return [] }
        var owner: [UInt16: ProcessID] = [:]
        for holder in holders[netns] ?? []
        where range.contains(holder.localPort) && bound.contains(holder.localPort) {
            owner[holder.localPort] = holder.process
        }
        let isHere = connections.tuples.byPlace { $0.tuple.netns == netns }
        connections.each { entry in
            if isHere[entry.tuple], entry.process.pid != 0, range.contains(entry.localPort),
                bound.contains(entry.localPort), owner[entry.localPort] == nil
            {
                owner[entry.localPort] = entry.process
            }
        }
        var counts: [ProcessID: Int] = [:]
        for process in owner.values { counts[process, default: 0] += 1 }
        let byCount = counts.sorted { ($0.value, $1.key.pid) > ($1.value, $0.key.pid) }
        return byCount.prefix(limit).map { Failure.Holder(process: $0.key, ports: $0.value) }
    }
}
