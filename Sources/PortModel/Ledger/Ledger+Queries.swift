/// Reading the ledger, and keeping it up to date where no record does.
extension Ledger {
    package var tuples: TupleTable { _read { yield connections.tuples } }

    /// Ports of the tuple at `place`: without copying the rest of its state.
    package func usage(of place: Int) -> PortUsage { connections.tuples[place].usage }

    /// Has all processes be shown, those included that the filter did not choose until now.
    package mutating func chooseAll() {
        isFiltered = false
        for place in tuples.places { connections.tuples[place].chooseAll() }
    }

    /// The tuples that are shown: of a filter by process those that the processes of its choice use.
    package var shownTuples: [TupleState] { tuples.filter { !isFiltered || $0.isChosen } }

    /// Whether the tuple at `place` is one that the processes of the filter's choice use.
    package func isShown(_ place: Int) -> Bool {
        !isFiltered || connections.tuples[place].isChosen
    }

    /// The network namespaces that have connections, by their identity.
    package var namespaces: [UInt32: Namespace] { connections.namespaces }

    /// The pools that bind() chooses ports from, as far as any program has it choose.
    package var bindPools: [BindPool.Key: BindPool] { pools.known }

    /// Whether, since the last call, some tuple has held more ports than it can, as when the kernel has
    /// not run a program at the end of a TIME_WAIT.
    package mutating func takeContradiction() -> Bool {
        defer { connections.isContradicted = false }
        return connections.isContradicted
    }

    /// Connects that are neither known to have got a port nor to have failed.
    package var undecided: Int { searches.undecided(in: connections) }

    // MARK: Namespaces

    /// Namespaces with held ports but no description: it was lost, or their inode number was reused.
    package var undescribed: Set<UInt32> {
        Set(tuples.lazy.filter { $0.held > 0 }.map(\.tuple.netns)).subtracting(namespaces.keys)
    }

    /// Namespaces in which a port is held, or that bind() chooses ports in.
    package var occupiedNamespaces: Set<UInt32> {
        Set(tuples.lazy.filter { $0.entries > 0 }.map(\.tuple.netns))
            .union(bindPools.keys.map(\.netns)).intersection(namespaces.keys)
    }

    package func held(in netns: UInt32) -> Int {
        tuples.reduce(0) { $1.tuple.netns == netns ? $0 + $1.held : $0 }
    }

    /// Takes over which ports of its range a bind() holds in a namespace, by the kernel's table.
    package mutating func setBound(_ ports: PortSet, in netns: UInt32) {
        connections.setBound(ports, in: netns, &timeWaits)
    }

    /// A namespace no longer exists: nothing that it still holds here can be there.
    package mutating func close(namespace netns: UInt32) {
        connections.namespaces[netns] = nil
        connections.tuples.close(namespace: netns)
        timeWaits.close(namespace: netns)
        pools.close(namespace: netns)
    }

    /// Drops idle tuples if there are more than `limit`, or than `goneLimit` of closed namespaces.
    package mutating func forgetIdle(keeping limit: Int, gone goneLimit: Int) {
        connections.tuples.forgetIdle(keeping: limit, gone: goneLimit, in: namespaces.keys)
    }

    // MARK: Holders

    /// Ports of a tuple that one process holds, or left in TIME_WAIT.
    package struct HeldPorts: Hashable, Sendable {
        package var held = 0
        package var timeWait = 0
    }

    /// The holders of the ports of those tuples that are known. It looks at every entry: 2 ms for
    /// 300,000.
    package func holders(of tuples: [Tuple]) -> [Tuple: [ProcessID: HeldPorts]] {
        var holders: [Int: [ProcessID: HeldPorts]] = [:]
        for place in tuples.compactMap({ self.tuples.place(of: $0) }) { holders[place] = [:] }
        guard !holders.isEmpty else { return [:] }
        connections.each { entry in
            guard entry.phase.holdsPort, holders[entry.tuple] != nil else { return }
            holders[entry.tuple]?[entry.process, default: HeldPorts()].held += 1
            if entry.phase.isTimeWait {
                holders[entry.tuple]?[entry.process, default: HeldPorts()].timeWait += 1
            }
        }
        return Dictionary(
            uniqueKeysWithValues: holders.map { (self.tuples[$0.key].tuple, $0.value) })
    }

    /// Begins a walk of all open files, which finds the sockets that hold a port unconnected anew.
    package mutating func forgetHolders() { pools.forgetHolders() }

    /// Counts anew how many ports of each pool are used. Each second, and when a bind() has failed.
    package mutating func countBindPools() { pools.count(connections) }

    // MARK: Failures

    /// Namespaces whose bind-held ports are to be read before `takeFailures`.
    package var failingNamespaces: Set<UInt32> { failures.ripeNamespaces }

    /// Those of failures that are reported now, or with this second.
    package var pendingNamespaces: Set<UInt32> { failures.pendingNamespaces }

    /// The addresses whose presence decides what failures that are inferred are about.
    package var unprovenAddresses: Set<BindPool.Key> { failures.unprovenAddresses }

    /// Counts those failures.
    ///
    /// - Parameter missing: the addresses that are not there.
    package mutating func proveFailures(missing: Set<BindPool.Key>) {
        failures.prove(missing: missing, &connections, &pools)
    }

    /// The failures to be reported now, each the first of its kind, or alone.
    package mutating func takeFailures() -> [Failure] { failures.takeRipe(&connections, pools) }

    /// Failures that are like one that was reported, counted since the last call. Once a second.
    package mutating func takeRepeatedFailures() -> [Failure] {
        failures.takeRepeated(&connections, pools)
    }

    /// All that have not been reported yet, those whose return was awaited included: at the end.
    package mutating func takeAllFailures() -> [Failure] {
        failures.prove(missing: [], &connections, &pools)
        return failures.takeAll(&connections, pools)
    }
}
