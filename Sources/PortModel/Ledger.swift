/// Who holds which port since when.
///
/// An entry lives from connect() to the moment its port is free, and is found by the socket's
/// identity, since a connecting socket has no port yet. Each tuple's count is derived from the
/// entries. Folding a record twice changes nothing, so snapshots can be folded in among live ones.
package struct Ledger: Sendable {
    package internal(set) var accounts: [TupleState] = []
    /// Totals of the tuples that were forgotten because there were too many of them.
    package internal(set) var forgotten = Forgotten()
    /// What is known of the network namespaces that have connections, by their identity.
    package internal(set) var namespaces: [UInt32: Namespace] = [:]
    /// What records said twice, or what nothing that was known could have led to.
    package internal(set) var anomalies = Anomalies()

    var entries = SocketTable(filler: Entry.none)
    var accountOf: [Tuple: Int] = [:]
    var vacant: [Int] = []
    var touched: [Int] = []

    /// Connects that have not shown yet whether they found a port, oldest first.
    var searching: [(socket: UInt64, since: UInt64)] = []
    /// TIME_WAITs whose timer was stopped, oldest first: over, unless it is started again.
    var leaving = Queue<(socket: UInt64, since: UInt64, departure: UInt8)>()
    /// Tuples whose namespace is gone, at most.
    var goneTuples = 0
    /// What came to light with another socket's record, to be told with the next `settle`.
    var overdue: [Change] = []
    /// TIME_WAITs whose port a connect() will take from `at` on, soonest first: by namespace, as each
    /// has a delay of its own.
    var ripening: [UInt32: Queue<Ripening>] = [:]
    /// Sockets with a range of their own that are in search of a port.
    var ownRanges: [UInt64: PortRange] = [:]
    /// Sockets that hold a port without a connection, by namespace, as the last walk has found them.
    var holders: [UInt32: Set<Record.Holder>] = [:]
    /// Pools that bind() chooses ports from, as far as any program has it choose.
    package internal(set) var bindPools: [BindPool.Key: BindPool] = [:]
    var nextBindPool = 0
    /// What failed without any tuple's having run out, by what, to whom.
    package internal(set) var refusals: [FailedCall: Int] = [:]
    /// All of these, while `refusals` has a limit.
    package internal(set) var refusalsByCause: [Cause: Calls] = [:]
    /// The snapshot or the audit under way.
    var walk: Walk?
    /// Of the last record that opened, closed or released something.
    var lastTime: UInt64 = 0
    var log = FailureLog()
    var due: [Failure] = []
    var findings = Findings()
    /// Flips with each walk: what carries it has been met or spoken of since the walk began.
    var mark = false

    /// False where the kernel does not tell when a bound port is given back: it is then taken to be
    /// free when its connection closes.
    package var followsBoundPorts = true

    /// Only the connections of some processes are counted: others hold ports of the same tuples, too.
    package var isPartial = false

    package init() {}

    package struct Forgotten: Hashable, Sendable {
        package var tuples = 0
        package var totals = TupleState.Totals()
    }

    /// Records that contradict what went before: none of them changes a count.
    package struct Anomalies: Hashable, Sendable {
        /// Told twice, which the copies of a program may do.
        package var duplicates = 0
        /// About a socket that was never heard of.
        package var strangers = 0
    }

    /// ECANCELED, as most architectures number it: the program closed the socket unconnected.
    private static let gaveUp: UInt16 = 125
    static let millisecond: UInt64 = 1_000_000

    // MARK: Records

    /// Folds one record in. Nil when it says nothing new, or speaks of a socket never heard of.
    package mutating func apply(_ record: Record) -> Change? {
        let change = fold(record)
        register(record, change)
        return change
    }

    private mutating func fold(_ record: Record) -> Change? {
        switch record {
        case .opened(let connection): open(connection)
        case .established(let socket, let port, let time): establish(socket, port: port, at: time)
        case .closed(let closing): close(closing)
        case .timeWait(let socket, let successor, let reusable, let time):
            pass(from: socket, to: successor, reusable: reusable, at: time)
        case .released(let socket, let cookie, let mayReturn, let time):
            release(socket, of: cookie, mayReturn: mayReturn, at: time)
        case .exists(let connection, let state): find(connection, in: state)
        case .owner(let socket, _, let process): own(socket, process)
        case .namespace(let netns, let namespace, _): describe(netns, namespace)
        case .holder(let holder): hold(holder)
        case .refused: nil
        case .searched(let socket, let port, let search, let time):
            found(socket, port, after: search, at: time)
        case .carried(let socket, let bytes): carry(socket, bytes)
        }
    }

    private mutating func open(_ connection: Record.Connection) -> Change? {
        lastTime = connection.time
        passTime(to: connection.time, in: connection.tuple.netns)
        if let place = entries.find(connection.socket) {
            let known = entries[place]
            // It has to fail before it can connect again.
            if known.phase == .searching, connection.time &- known.openedAt < 100 * Self.millisecond
            {
                anomalies.duplicates += 1
                return nil
            }
            if known.phase.holds { anomalies.strangers += 1 }
            remove(at: place)
        }
        let account = account(for: connection)
        let entry = Entry(
            openedAt: connection.time, process: connection.process, account: account,
            localPort: connection.localPort, phase: .searching, mark: mark)
        add(entry, for: connection.socket)
        searching.append((connection.socket, connection.time))
        if accounts[account].hasOwnRange || accounts[account].range != connection.range,
            isOwn(connection.range, in: connection.tuple.netns)
        {
            ownRanges[connection.socket] = connection.range
        }
        if connection.portChosen { meetBindPool(of: connection) }
        return change(.opened, entry, at: connection.time)
    }

    mutating func establish(_ socket: UInt64, port: UInt16, at time: UInt64) -> Change? {
        guard let place = entries.find(socket) else {
            anomalies.strangers += 1
            return nil
        }
        entries[place].mark = mark
        switch entries[place].phase {
        case .searching: confirm(entries[place], at: time)
        case .connecting: break
        case .established, .timeWait, .leaving, .bound:
            anomalies.duplicates += 1
            return nil
        }
        entries[place].phase = .established
        entries[place].localPort = port
        if !ownRanges.isEmpty { ownRanges[socket] = nil }
        assess(place)
        return change(.established, entries[place], at: time)
    }

    private mutating func close(_ closing: Record.Closing) -> Change? {
        lastTime = closing.time
        walk?.ended[closing.socket] = closing.time
        guard let place = entries.find(closing.socket) else {
            anomalies.strangers += 1
            return nil
        }
        var entry = entries[place]
        guard entry.phase != .bound, !entry.phase.isTimeWait else {
            anomalies.duplicates += 1
            return nil
        }
        if closing.notSent, entry.phase == .searching || entry.phase == .connecting {
            return fail(closing, at: place)
        }
        if entry.phase == .searching { confirm(entry, at: closing.time) }
        let index = Int(entry.account)
        var error: UInt16?
        if entry.phase != .established {
            let reason = closing.error == 0 ? Self.gaveUp : closing.error
            accounts[index].errors[reason, default: 0] += 1
            error = reason
        }
        touch(index)
        leave(&entry)
        accounts[index].totals.closed += 1
        if let lived = entry.age(at: closing.time) { accounts[index].lives.add(lived) }
        entry.localPort = closing.localPort
        if closing.stillBound, followsBoundPorts {
            entry.phase = .bound
            entry.mark = mark
            entries[place] = entry
        } else {
            _ = entries.remove(at: place)
            accounts[index].entries -= 1
        }
        let lived = entry.age(at: closing.time)
        return change(
            .closed(timeWait: false, lived: lived, error: error), entry, at: closing.time)
    }

    private mutating func fail(
        _ closing: Record.Closing, at place: SocketTable<Entry>.Place
    ) -> Change? {
        let entry = remove(at: place)
        let index = Int(entry.account)
        if entry.phase == .connecting, entry.openedAt != 0 {
            // Taken for one that has its port, because its search was so long.
            accounts[index].totals.opened -= 1
            accounts[index].processes.add(entry.process, opened: -1)
        }
        accounts[index].totals.failed += 1
        accounts[index].processes.add(entry.process, failed: 1)
        if accounts[index].firstFailureAt == nil { accounts[index].firstFailureAt = closing.time }
        let search = closing.time &- entry.openedAt
        accounts[index].searches.add(search)
        let range = ownRanges.removeValue(forKey: closing.socket)
        return change(.failed(search: search, range: range), entry, at: closing.time)
    }

    /// - Parameter port: where it is known, for a connection whose beginning was not told.
    mutating func pass(
        from socket: UInt64, to successor: UInt64, reusable: Bool, port: UInt16 = 0, at time: UInt64
    ) -> Change? {
        walk?.ended[successor] = nil
        lastTime = time
        if let there = entries.find(successor) {
            if entries[there].phase.isTimeWait,
                entries[there].cookie == UInt32(truncatingIfNeeded: socket)
            {
                entries[there].phase = .timeWait
                entries[there].mark = mark
                // A parked FIN_WAIT2 may have become a true one.
                if reusable, !entries[there].isReusable { ripen(successor, at: there, since: time) }
                return nil
            }
            // Its end was not told, or not yet settled, and its memory is used again.
            let gone = remove(at: there)
            overdue.append(change(.released, gone, at: time))
        }
        guard let place = entries.find(socket), entries[place].phase != .bound,
            !entries[place].phase.isTimeWait
        else {
            anomalies.strangers += 1
            return nil
        }
        walk?.ended[socket] = time
        var entry = entries.remove(at: place)
        if entry.phase == .searching { confirm(entry, at: time) }
        if entry.localPort == 0 { entry.localPort = port }
        entry.phase = .timeWait
        entry.mark = mark
        entry.cookie = UInt32(truncatingIfNeeded: socket)
        let there = entries.insert(entry, for: successor)
        let index = Int(entry.account)
        touch(index)
        accounts[index].usage.timeWait += 1
        accounts[index].totals.closed += 1
        accounts[index].totals.closedFirst += 1
        assess(there)
        if reusable { ripen(successor, at: there, since: time) }
        let lived = entry.age(at: time)
        if let lived { accounts[index].lives.add(lived) }
        return change(.closed(timeWait: true, lived: lived, error: nil), entry, at: time)
    }

    private mutating func release(
        _ socket: UInt64, of cookie: UInt64, mayReturn early: Bool, at time: UInt64
    ) -> Change? {
        walk?.ended[socket] = time
        lastTime = time
        if entries.find(socket) == nil, cookie != 0, entries.find(cookie) != nil {
            // The kernel may skip a program that it has just interrupted: the beginning of this
            // TIME_WAIT was not told. Its port was counted all the same, for the socket.
            let close = pass(from: cookie, to: socket, reusable: false, at: time)
            if let close { overdue.append(close) }
        }
        guard let place = entries.find(socket) else {
            anomalies.strangers += 1
            return nil
        }
        if early {
            entries[place].mark = mark
            guard entries[place].phase == .timeWait else { return nil }
            entries[place].phase = .leaving
            entries[place].departures &+= 1
            leaving.append((socket, time, entries[place].departures))
            return nil
        }
        // Not in one expression: `change` would borrow the ledger first, and the removal copy it.
        let entry = remove(at: place)
        return change(.released, entry, at: time)
    }

    private mutating func own(_ socket: UInt64, _ process: ProcessID) -> Change? {
        guard let place = entries.find(socket), entries[place].pid == 0 else { return nil }
        entries[place].pid = process.pid
        entries[place].name = process.name
        accounts[Int(entries[place].account)].processes.add(process, opened: 1)
        return nil
    }

    // MARK: Tuples

    mutating func account(for connection: Record.Connection) -> Int {
        let tuple = connection.tuple
        let index: Int
        if let known = accountOf[tuple] {
            index = known
            adopt(connection.range, in: known)
        } else {
            var new = TupleState(
                tuple: tuple, range: connection.range,
                usable: usable(of: connection.range, in: tuple.netns))
            new.hasOwnRange = isOwn(connection.range, in: tuple.netns)
            new.reuse = reuse(of: tuple)
            if let free = vacant.popLast() {
                accounts[free] = new
                index = free
            } else {
                index = accounts.count
                accounts.append(new)
            }
            accountOf[tuple] = index
        }
        touch(index)
        return index
    }

    mutating func touch(_ index: Int) {
        guard accounts[index].totalsAtLastTick == nil else { return }
        accounts[index].totalsAtLastTick = accounts[index].totals
        accounts[index].touchedAt = lastTime
        touched.append(index)
    }

    /// The connect() of `entry` is known to have got a port.
    mutating func confirm(_ entry: Entry, at time: UInt64) {
        let index = Int(entry.account)
        touch(index)
        accounts[index].hold(at: time)
        accounts[index].totals.opened += 1
        accounts[index].processes.add(entry.process, opened: 1)
    }

    @discardableResult
    mutating func remove(at place: SocketTable<Entry>.Place) -> Entry {
        let entry = entries.remove(at: place)
        let index = Int(entry.account)
        touch(index)
        accounts[index].entries -= 1
        if entry.phase.holds {
            var gone = entry
            leave(&gone)
        }
        return entry
    }

    /// The port of `entry` is no longer held for its tuple.
    private mutating func leave(_ entry: inout Entry) {
        let index = Int(entry.account)
        accounts[index].release(timeWait: entry.phase.isTimeWait)
        if entry.isElsewhere { accounts[index].usage.elsewhere -= 1 }
        if entry.isRipe { accounts[index].usage.reusable -= 1 }
        entry.isElsewhere = false
        entry.isRipe = false
    }

    @discardableResult
    mutating func add(_ entry: Entry, for socket: UInt64) -> SocketTable<Entry>.Place {
        accounts[Int(entry.account)].entries += 1
        return entries.insert(entry, for: socket)
    }

    func change(_ kind: Change.Kind, _ entry: Entry, at time: UInt64) -> Change {
        let index = Int(entry.account)
        return Change(
            kind: kind, time: time, account: index, tuple: accounts[index].tuple,
            localPort: entry.localPort, process: entry.process, held: accounts[index].held,
            usable: accounts[index].usable)
    }
}
