/// Which ports connect() may choose from, and which of those that are held are among them.
extension Connections {
    /// The place of the tuple of `connection`, which is entered if it was not known.
    ///
    /// - Parameter timeWaits: those for which a wider range makes ports usable again.
    mutating func tuple(of connection: Record.Connection, _ timeWaits: inout TimeWaits) -> Int {
        let tuple = connection.tuple
        let place: Int
        if let known = tuples.place(of: tuple) {
            place = known
            if tuples[place].range != connection.range {
                adopt(connection.range, at: place, &timeWaits)
            }
        } else {
            var new = TupleState(
                tuple: tuple, range: connection.range,
                usable: usable(of: connection.range, in: tuple.netns))
            new.hasOwnRange = isOwn(connection.range, in: tuple.netns)
            new.reuse = reuse(of: tuple)
            place = tuples.insert(new)
        }
        tuples.touch(place)
        return place
    }

    /// The range of `connection` is its own (IP_LOCAL_PORT_RANGE), not the namespace's.
    func hasOwnRange(_ connection: Record.Connection, tuple: Int) -> Bool {
        (tuples[tuple].hasOwnRange || tuples[tuple].range != connection.range)
            && isOwn(connection.range, in: connection.tuple.netns)
    }

    /// A namespace is described before a connection with its range is.
    private func isOwn(_ range: PortRange, in netns: UInt32) -> Bool {
        namespaces[netns].map { $0.pool.range != range } ?? false
    }

    private func usable(of range: PortRange, in netns: UInt32) -> Int {
        namespaces[netns]?.pool.usable(of: range) ?? range.count
    }

    private func reuse(of tuple: Tuple) -> TimeWaitRules? {
        namespaces[tuple.netns].map(\.timeWait).flatMap { $0.allowReuse(of: tuple) ? $0 : nil }
    }

    /// Keeps the widest range of a tuple's sockets; the namespace's is wider than any of their own.
    private mutating func adopt(_ range: PortRange, at place: Int, _ timeWaits: inout TimeWaits) {
        let isOwn = isOwn(range, in: tuples[place].tuple.netns)
        guard !isOwn || tuples[place].hasOwnRange && range.count > tuples[place].range.count
        else { return }
        tuples[place].hasOwnRange = isOwn
        tuples[place].range = range
        tuples[place].usage.usable = usable(of: range, in: tuples[place].tuple.netns)
        reassess(tuples.byPlace { $0.tuple == tuples[place].tuple }, &timeWaits)
    }

    // MARK: The settings of a namespace

    /// Takes over the settings of a namespace, but for the ports that a bind() holds.
    mutating func describe(_ netns: UInt32, _ new: Namespace, _ timeWaits: inout TimeWaits) {
        let before = namespaces[netns]
        var namespace = new
        if let before { namespace.pool.bound = before.pool.bound }
        guard before != namespace else { return }
        namespaces[netns] = namespace
        if before?.pool != namespace.pool {
            refit(netns, &timeWaits)
            for place in tuples.places
            where tuples[place].tuple.netns == netns && tuples[place].held > 0 {
                tuples.touch(place)
            }
        }
        if before?.timeWait != namespace.timeWait {
            for place in tuples.places where tuples[place].tuple.netns == netns {
                if tuples[place].usage.reusable > 0 { tuples.touch(place) }
                tuples[place].usage.reusable = 0
                tuples[place].reuse = reuse(of: tuples[place].tuple)
            }
            timeWaits.changeRules(in: netns, &self)
        }
    }

    /// A bind() holds these ports of the range of a namespace.
    mutating func setBound(_ ports: PortSet, in netns: UInt32, _ timeWaits: inout TimeWaits) {
        guard let before = namespaces[netns]?.pool.bound, before != ports else { return }
        namespaces[netns]?.pool.bound = ports
        refit(netns, &timeWaits)
    }

    /// The pool of a namespace has changed.
    private mutating func refit(_ netns: UInt32, _ timeWaits: inout TimeWaits) {
        guard let pool = namespaces[netns]?.pool else { return }
        let before = tuples.byPlace(\.usage.permille)
        let isAffected = tuples.byPlace { $0.tuple.netns == netns && !$0.isForgotten }
        for place in tuples.places where isAffected[place] {
            if !pool.range.contains(tuples[place].range) { tuples[place].hasOwnRange = false }
            if !tuples[place].hasOwnRange { tuples[place].range = pool.range }
            tuples[place].usage.usable = pool.usable(of: tuples[place].range)
        }
        reassess(isAffected, &timeWaits)
        // Each look may find a port or two more: less than a percent is not reported.
        for place in tuples.places where isAffected[place] && tuples[place].held > 0 {
            if tuples[place].usage.permille / 10 != before[place] / 10 { tuples.touch(place) }
        }
    }

    // MARK: Ports of which connect() would not have chosen

    /// The port of an entry has become known: is it one of the usable ones?
    mutating func assess(_ place: Place) {
        let entry = self[place]
        guard entry.phase.holdsPort, isOutsidePool(entry) != entry.isOutsidePool else { return }
        self[place].isOutsidePool.toggle()
        tuples[entry.tuple].usage.outsidePool += entry.isOutsidePool ? -1 : 1
    }

    private func isOutsidePool(_ entry: Entry) -> Bool {
        guard entry.localPort != 0 else { return false }
        guard tuples[entry.tuple].range.contains(entry.localPort) else { return true }
        guard !tuples[entry.tuple].isPlain else { return false }
        return namespaces[tuples[entry.tuple].tuple.netns]?.pool.blocked.contains(entry.localPort)
            ?? false
    }

    /// The usable ports of some tuples, by place, have changed.
    private mutating func reassess(_ isAffected: [Bool], _ timeWaits: inout TimeWaits) {
        // Apart from the tables: what is copied while they are visited would be copied whole.
        let pools: [(range: PortRange, blocked: PortSet?)?] = tuples.byPlace { state in
            state.entries > 0 ? (state.range, namespaces[state.tuple.netns]?.pool.blocked) : nil
        }
        guard zip(isAffected, pools).contains(where: { $0 && $1 != nil }) else { return }
        var outsidePool = [Int](repeating: 0, count: pools.count)
        var reusable = outsidePool
        var returned: [(socket: UInt64, entry: Entry)] = []
        visit { socket, entry in
            guard isAffected[entry.tuple], let (range, blocked) = pools[entry.tuple],
                entry.phase.holdsPort
            else { return }
            let wasOutside = entry.isOutsidePool
            let port = entry.localPort
            entry.isOutsidePool =
                port != 0 && (!range.contains(port) || blocked?.contains(port) ?? false)
            if entry.isOutsidePool {
                outsidePool[entry.tuple] += 1
                entry.isReusableNow = false
            }
            if entry.isReusableNow { reusable[entry.tuple] += 1 }
            if wasOutside, !entry.isOutsidePool, entry.isReusable {
                returned.append((socket, entry))
            }
        }
        for place in tuples.places where isAffected[place] && pools[place] != nil {
            tuples[place].usage.outsidePool = outsidePool[place]
            tuples[place].usage.reusable = reusable[place]
        }
        // For most it is longer ago than the delay that they began to wait.
        for (socket, entry) in returned {
            timeWaits.schedule(socket, entry, at: 0, in: tuples[entry.tuple].tuple.netns)
        }
    }
}
