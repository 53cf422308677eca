/// Which ports connect() may choose from, and which of those that are held are among them.
extension Ledger {
    struct Ripening {
        var at: UInt64
        var socket: UInt64
        /// The lower half of the cookie it has inherited: its memory may be another's by then.
        var cookie: UInt32
    }

    // MARK: The pool of a namespace

    mutating func describe(_ netns: UInt32, _ new: Namespace) -> Change? {
        let before = namespaces[netns]
        var namespace = new
        if let before { namespace.pool.bound = before.pool.bound }
        guard before != namespace else { return nil }
        namespaces[netns] = namespace
        if before?.pool != namespace.pool {
            refit(netns)
            for index in accounts.indices
            where accounts[index].tuple.netns == netns && accounts[index].held > 0 { touch(index) }
        }
        if before?.timeWait != namespace.timeWait { reripen(netns) }
        return nil
    }

    /// A look at the kernel's table has told which ports of the range a bind() holds.
    package mutating func setBound(_ ports: PortSet, in netns: UInt32) {
        guard let before = namespaces[netns]?.pool.bound, before != ports else { return }
        namespaces[netns]?.pool.bound = ports
        refit(netns)
    }

    /// The pool of a namespace has changed.
    private mutating func refit(_ netns: UInt32) {
        guard let pool = namespaces[netns]?.pool else { return }
        let before = accounts.map(\.usage)
        var isAffected = [Bool](repeating: false, count: accounts.count)
        for index in accounts.indices where accounts[index].tuple.netns == netns {
            if !pool.range.contains(accounts[index].range) { accounts[index].hasOwnRange = false }
            if !accounts[index].hasOwnRange { accounts[index].range = pool.range }
            accounts[index].usage.usable = pool.usable(of: accounts[index].range)
            isAffected[index] = true
        }
        reassess(isAffected)
        // Each look may find a port or two more: what makes no difference to anybody is not told.
        for index in accounts.indices where isAffected[index] && accounts[index].held > 0 {
            if accounts[index].usage.permille / 10 != before[index].permille / 10 {
                touch(index)
            }
        }
    }

    /// Sockets with a range of their own (IP_LOCAL_PORT_RANGE) and without share a tuple: the widest
    /// range tells what the tuple can hold, and the namespace's is wider than any of its own.
    mutating func adopt(_ range: PortRange, in index: Int) {
        let known = accounts[index].range
        guard range != known else { return }
        let isOwn = isOwn(range, in: accounts[index].tuple.netns)
        guard !isOwn || accounts[index].hasOwnRange && range.count > known.count
        else { return }
        accounts[index].hasOwnRange = isOwn
        accounts[index].range = range
        accounts[index].usage.usable = usable(of: range, in: accounts[index].tuple.netns)
        var isAffected = [Bool](repeating: false, count: accounts.count)
        isAffected[index] = true
        reassess(isAffected)
    }

    /// A namespace is described before a connection with its range is.
    func isOwn(_ range: PortRange, in netns: UInt32) -> Bool {
        namespaces[netns].map { $0.pool.range != range } ?? false
    }

    func usable(of range: PortRange, in netns: UInt32) -> Int {
        namespaces[netns]?.pool.usable(of: range) ?? range.count
    }

    // MARK: Ports of which connect() would not have chosen

    /// The port of an entry has become known: is it one of the usable ones?
    mutating func assess(_ place: SocketTable<Entry>.Place) {
        let entry = entries[place]
        guard entry.phase.holds, entry.localPort != 0, isElsewhere(entry) != entry.isElsewhere
        else { return }
        entries[place].isElsewhere.toggle()
        accounts[Int(entry.account)].usage.elsewhere += entry.isElsewhere ? -1 : 1
    }

    private func isElsewhere(_ entry: Entry) -> Bool {
        let index = Int(entry.account)
        guard accounts[index].range.contains(entry.localPort) else { return true }
        guard !accounts[index].isPlain else { return false }
        return namespaces[accounts[index].tuple.netns]?.pool.blocked.contains(entry.localPort)
            ?? false
    }

    /// The usable ports of some accounts have changed.
    private mutating func reassess(_ isAffected: [Bool]) {
        let isOccupied = accounts.indices.contains { isAffected[$0] && accounts[$0].entries > 0 }
        guard isOccupied else { return }
        // Apart from the ledger: what is copied while its table is visited would be copied whole.
        let usable = accounts.indices.map { index in
            isAffected[index] && accounts[index].entries > 0
                ? (accounts[index].range, namespaces[accounts[index].tuple.netns]?.pool.blocked)
                : nil
        }
        var elsewhere = [Int](repeating: 0, count: accounts.count)
        var reusable = elsewhere
        var returned: [(index: Int, Ripening)] = []
        entries.visit { socket, entry in
            let index = Int(entry.account)
            guard let (range, blocked) = usable[index], entry.phase.holds, entry.localPort != 0
            else {
                return
            }
            let wasElsewhere = entry.isElsewhere
            entry.isElsewhere =
                !range.contains(entry.localPort) || blocked?.contains(entry.localPort) ?? false
            if entry.isElsewhere {
                elsewhere[index] += 1
                entry.isRipe = false
            }
            if entry.isRipe { reusable[index] += 1 }
            if wasElsewhere, !entry.isElsewhere, entry.isReusable {
                returned.append((index, Ripening(at: 0, socket: socket, cookie: entry.cookie)))
            }
        }
        // For most it is longer ago than the delay that they began to wait.
        for (index, one) in returned {
            ripening[accounts[index].tuple.netns, default: Queue()].append(one)
        }
        for index in accounts.indices where usable[index] != nil {
            accounts[index].usage.elsewhere = elsewhere[index]
            accounts[index].usage.reusable = reusable[index]
        }
    }

    // MARK: TIME_WAITs that may be used again

    func reuse(of tuple: Tuple) -> TimeWaitRules? {
        namespaces[tuple.netns].map(\.timeWait).flatMap { $0.allowReuse(of: tuple) ? $0 : nil }
    }

    /// A TIME_WAIT with timestamps has begun.
    mutating func ripen(_ socket: UInt64, at place: SocketTable<Entry>.Place, since: UInt64) {
        entries[place].isReusable = true
        let entry = entries[place]
        let index = Int(entry.account)
        guard let rules = accounts[index].reuse else { return }
        ripening[accounts[index].tuple.netns, default: Queue()].append(
            Ripening(at: rules.ripe(since: since), socket: socket, cookie: entry.cookie))
    }

    /// Counts those that may be used again by now.
    mutating func settleRipening(in netns: UInt32, now: UInt64) {
        while let next = ripening[netns]?.first, next.at <= now {
            ripening[netns]?.removeFirst()
            ripen(next)
        }
    }

    private mutating func ripen(_ next: Ripening) {
        guard let place = entries.find(next.socket) else { return }
        let entry = entries[place]
        let index = Int(entry.account)
        guard entry.phase == .timeWait, entry.isReusable, !entry.isRipe, !entry.isElsewhere,
            entry.cookie == next.cookie, accounts[index].reuse != nil
        else { return }
        entries[place].isRipe = true
        touch(index)
        accounts[index].usage.reusable += 1
    }

    /// The rules of a namespace have changed. Since when each TIME_WAIT has waited is not known any
    /// more, but for most it is longer than the delay.
    private mutating func reripen(_ netns: UInt32) {
        var isOccupied = false
        for index in accounts.indices where accounts[index].tuple.netns == netns {
            if accounts[index].usage.reusable > 0 { touch(index) }
            accounts[index].usage.reusable = 0
            accounts[index].reuse = reuse(of: accounts[index].tuple)
            isOccupied = isOccupied || accounts[index].timeWait > 0
        }
        guard isOccupied else { return }
        let accounts = accounts
        var ripe = Queue<Ripening>()
        entries.visit { socket, entry in
            let index = Int(entry.account)
            guard accounts[index].tuple.netns == netns, entry.phase == .timeWait else { return }
            entry.isRipe = false
            if entry.isReusable, accounts[index].reuse != nil {
                ripe.append(Ripening(at: 0, socket: socket, cookie: entry.cookie))
            }
        }
        ripening[netns] = ripe
    }

    // MARK: What a search and a connection cost

    mutating func found(
        _ socket: UInt64, _ port: UInt16, after search: UInt64, at time: UInt64
    ) -> Change? {
        guard let place = entries.find(socket), entries[place].phase == .searching else {
            return nil
        }
        accounts[Int(entries[place].account)].searches.add(search)
        confirm(entries[place], at: time)
        entries[place].phase = .connecting
        entries[place].localPort = port
        assess(place)
        return change(.connecting, entries[place], at: time)
    }

    mutating func carry(_ socket: UInt64, _ bytes: UInt64) -> Change? {
        guard let place = entries.find(socket) else { return nil }
        // The peer's FIN counts as one.
        accounts[Int(entries[place].account)].loads.add(bytes == 1 ? 0 : bytes)
        return nil
    }
}
