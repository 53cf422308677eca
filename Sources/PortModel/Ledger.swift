/// Who holds which port since when.
///
/// An entry lives from connect() to the moment its port is free, and is found by the socket's
/// identity, since a connecting socket has no port yet. Each tuple's count is derived from the
/// entries. Folding a record twice changes nothing, so snapshots can be folded in among live ones.
package struct Ledger: Sendable {
    package private(set) var accounts: [TupleAccount] = []
    /// Totals of the tuples that were forgotten because there were too many of them.
    package private(set) var forgotten = Forgotten()

    private var entries = SocketTable(filler: Entry.none)
    private var accountOf: [Tuple: Int] = [:]
    private var vacant: [Int] = []
    private var pools: [UInt32: PortPool] = [:]
    private var touched: [Int] = []

    /// Connects that have not shown yet whether they found a port, oldest first.
    private var searching: [(socket: UInt64, since: UInt64)] = []
    /// TIME_WAITs whose timer was stopped, oldest first: over, unless it is started again.
    private var leaving: [(socket: UInt64, since: UInt64, departure: UInt8)] = []
    /// While a snapshot is folded in: what has ended since it began and may still turn up in it, and
    /// when it ended.
    private var ended: [UInt64: UInt64]?
    /// Ends that came to light with another socket's record, to be told with the next `settle`.
    private var overdue: [Change] = []

    /// False where the kernel does not tell when a bound port is given back: it is then taken to be
    /// free when its connection closes.
    package var followsBoundPorts = true

    package init() {}

    package struct Forgotten: Hashable, Sendable {
        package var tuples = 0
        package var totals = TupleAccount.Totals()
    }

    private enum Phase: UInt8 {
        case searching, connecting, established, timeWait
        /// A TIME_WAIT whose timer was stopped.
        case leaving
        /// Closed, while the program's own bind keeps the port: no longer this tuple's.
        case bound

        var holds: Bool { self != .searching && self != .bound }
    }

    private struct Entry {
        /// 0 if it existed before the start: its age is not known.
        var openedAt: UInt64
        var name: Process.Name
        var pid: UInt32
        var account: Int32
        var localPort: UInt16
        var phase: Phase
        /// How many times the timer of its TIME_WAIT was stopped, wrapping.
        var departures: UInt8 = 0
        /// Of a TIME_WAIT: the lower half of the cookie it has inherited.
        var cookie: UInt32 = 0

        var process: Process { Process(pid: pid, name: name) }

        func age(at time: UInt64) -> UInt64? { openedAt == 0 ? nil : time &- openedAt }

        static let none = Entry(
            openedAt: 0, name: Process.Name(), pid: 0, account: 0, localPort: 0, phase: .bound)
    }

    /// ECANCELED, as most architectures number it: the program closed the socket unconnected.
    private static let gaveUp: UInt16 = 125
    private static let millisecond: UInt64 = 1_000_000

    // MARK: Records

    /// Folds one record in. Nil when it says nothing new, or speaks of a socket never heard of.
    package mutating func apply(_ record: Record) -> Change? {
        switch record {
        case .opened(let connection): open(connection)
        case .established(let socket, let port, let time): establish(socket, port: port, at: time)
        case .closed(let closing): close(closing)
        case .timeWait(let socket, let successor, let time):
            pass(from: socket, to: successor, at: time)
        case .released(let socket, let cookie, let mayReturn, let time):
            release(socket, of: cookie, mayReturn: mayReturn, at: time)
        case .exists(let connection, let state): find(connection, in: state)
        case .owner(let socket, let process): own(socket, process)
        case .namespace(let netns, let pool): settle(netns, pool)
        }
    }

    private mutating func open(_ connection: Record.Connection) -> Change? {
        if let place = entries.find(connection.socket) {
            if entries[place].openedAt == connection.time { return nil }
            remove(at: place)
        }
        let account = account(for: connection)
        let entry = Entry(
            openedAt: connection.time, name: connection.process.name, pid: connection.process.pid,
            account: Int32(account), localPort: connection.localPort, phase: .searching)
        add(entry, for: connection.socket)
        searching.append((connection.socket, connection.time))
        return change(.opened, entry, at: connection.time)
    }

    private mutating func establish(_ socket: UInt64, port: UInt16, at time: UInt64) -> Change? {
        guard let place = entries.find(socket) else { return nil }
        switch entries[place].phase {
        case .searching: confirm(entries[place], at: time)
        case .connecting: break
        case .established, .timeWait, .leaving, .bound: return nil
        }
        entries[place].phase = .established
        entries[place].localPort = port
        return change(.established, entries[place], at: time)
    }

    private mutating func close(_ closing: Record.Closing) -> Change? {
        guard let place = entries.find(closing.socket) else { return nil }
        var entry = entries[place]
        if entry.phase == .bound { return nil }
        if closing.notSent, entry.phase == .searching || entry.phase == .connecting {
            return fail(closing, at: place, entry.localPort == 0 ? .noPort : .boundPortInUse)
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
        accounts[index].release(timeWait: false)
        accounts[index].totals.closed += 1
        entry.localPort = closing.localPort
        if closing.stillBound, followsBoundPorts {
            entry.phase = .bound
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
        _ closing: Record.Closing, at place: SocketTable<Entry>.Place, _ cause: Change.Cause
    ) -> Change? {
        let entry = remove(at: place)
        let index = Int(entry.account)
        if entry.phase == .connecting {
            // Taken for one that has its port, because its search was so long.
            accounts[index].totals.opened -= 1
            accounts[index].processes.add(entry.process, opened: -1)
        }
        accounts[index].totals.failed += 1
        accounts[index].processes.add(entry.process, failed: 1)
        if accounts[index].firstFailureAt == nil { accounts[index].firstFailureAt = closing.time }
        let search = closing.time &- entry.openedAt
        return change(.failed(cause, search: search), entry, at: closing.time)
    }

    private mutating func pass(
        from socket: UInt64, to successor: UInt64, at time: UInt64
    ) -> Change? {
        ended?[successor] = nil
        if let there = entries.find(successor) {
            if entries[there].cookie == UInt32(truncatingIfNeeded: socket) {
                entries[there].phase = .timeWait
                return nil
            }
            // Its end was not told, or not yet settled, and its memory is used again.
            let gone = remove(at: there)
            overdue.append(change(.released, gone, at: time))
        }
        guard let place = entries.find(socket), entries[place].phase != .bound else { return nil }
        var entry = entries.remove(at: place)
        if entry.phase == .searching { confirm(entry, at: time) }
        entry.phase = .timeWait
        entry.cookie = UInt32(truncatingIfNeeded: socket)
        entries.insert(entry, for: successor)
        let index = Int(entry.account)
        touch(index)
        accounts[index].timeWait += 1
        accounts[index].totals.closed += 1
        let lived = entry.age(at: time)
        return change(.closed(timeWait: true, lived: lived, error: nil), entry, at: time)
    }

    private mutating func release(
        _ socket: UInt64, of cookie: UInt64, mayReturn early: Bool, at time: UInt64
    ) -> Change? {
        ended?[socket] = time
        if entries.find(socket) == nil, cookie != 0 {
            // The kernel may skip a program that it has just interrupted: the beginning of this
            // TIME_WAIT was not told. Its port was counted all the same, for the socket.
            if let close = pass(from: cookie, to: socket, at: time) { overdue.append(close) }
        }
        guard let place = entries.find(socket) else { return nil }
        if early {
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

    private mutating func find(_ connection: Record.Connection, in state: Record.State) -> Change? {
        if let over = ended?[connection.socket] {
            if over >= connection.time { return nil }
            // The same memory, a later TIME_WAIT.
            if let place = entries.find(connection.socket), entries[place].phase == .leaving {
                let gone = remove(at: place)
                overdue.append(change(.released, gone, at: over))
            }
        }
        let phase: Phase =
            switch state {
            case .connecting: .connecting
            case .established: .established
            case .timeWait: .timeWait
            }
        if let place = entries.find(connection.socket), entries[place].phase != .bound {
            let known = entries[place]
            guard known.phase != phase, phase != .timeWait, connection.localPort != 0 else {
                return nil
            }
            if known.phase == .searching { confirm(known, at: connection.time) }
            entries[place].phase = phase
            entries[place].localPort = connection.localPort
            return nil
        }
        if phase == .connecting, connection.localPort == 0 { return nil }
        if let bound = entries.find(connection.socket) { remove(at: bound) }
        let account = account(for: connection)
        accounts[account].hold(at: connection.time, timeWait: phase == .timeWait)
        let entry = Entry(
            openedAt: 0, name: connection.process.name, pid: connection.process.pid,
            account: Int32(account), localPort: connection.localPort, phase: phase,
            cookie: connection.cookie)
        add(entry, for: connection.socket)
        if entry.pid != 0 { accounts[account].processes.add(entry.process, opened: 1) }
        return nil
    }

    private mutating func own(_ socket: UInt64, _ process: Process) -> Change? {
        guard let place = entries.find(socket), entries[place].pid == 0 else { return nil }
        entries[place].pid = process.pid
        entries[place].name = process.name
        accounts[Int(entries[place].account)].processes.add(process, opened: 1)
        return nil
    }

    private mutating func settle(_ netns: UInt32, _ pool: PortPool) -> Change? {
        let before = pools.updateValue(pool, forKey: netns)
        if before == pool { return nil }
        for index in accounts.indices where accounts[index].tuple.netns == netns {
            let range = accounts[index].range
            if range == before?.range || !pool.range.contains(range) {
                accounts[index].range = pool.range
            }
            accounts[index].usable = pool.usable(of: accounts[index].range)
        }
        return nil
    }

    // MARK: What only time tells

    /// Decides what no further record decides: a connect() that has not failed for 100 ms has its
    /// port, and a TIME_WAIT whose timer was stopped 1 ms ago is over.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds, when the ring was last read to its end.
    package mutating func settle(now: UInt64, _ emit: (Change) -> Void) {
        for change in overdue { emit(change) }
        overdue.removeAll()
        let staying = leaving.firstIndex { $0.since + Self.millisecond > now } ?? leaving.endIndex
        for (socket, time, departure) in leaving[..<staying] {
            guard let place = entries.find(socket), entries[place].phase == .leaving,
                entries[place].departures == departure
            else { continue }
            let gone = remove(at: place)
            emit(change(.released, gone, at: time))
        }
        leaving.removeSubrange(..<staying)
        let due = searching.firstIndex { $0.since + 100 * Self.millisecond > now }
        let ripe = searching[..<(due ?? searching.endIndex)]
        var undecided: [(socket: UInt64, since: UInt64)] = []
        for (socket, since) in ripe {
            guard let place = entries.find(socket), entries[place].phase == .searching else {
                continue
            }
            let entry = entries[place]
            let index = Int(entry.account)
            guard entry.localPort != 0 || accounts[index].held < accounts[index].usable else {
                // Nothing is free, so it is still searching, or its failure is on the way.
                undecided.append((socket, since))
                continue
            }
            confirm(entry, at: entry.openedAt)
            entries[place].phase = .connecting
            emit(change(.connecting, entry, at: now))
        }
        searching.replaceSubrange(..<ripe.endIndex, with: undecided)
    }

    /// A snapshot is about to be taken: until it ends, what is released is remembered, because the
    /// kernel may have gathered it before and show it after.
    package mutating func beginSnapshot() { ended = [:] }

    package mutating func endSnapshot() { ended = nil }

    // MARK: Tuples

    /// Drops the tuples that hold nothing and never failed, when there are more than `limit`.
    package mutating func forgetIdle(keeping limit: Int) {
        guard accountOf.count > limit else { return }
        for (tuple, index) in accountOf {
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

    /// The accounts in use, in no order.
    package var tuples: [TupleAccount] { accountOf.values.map { accounts[$0] } }

    /// The tuples in which anything changed since the last call, in the order they did.
    package mutating func takeTicks() -> [Tick] {
        defer { touched.removeAll(keepingCapacity: true) }
        return touched.compactMap { index in
            let account = accounts[index]
            guard let before = account.totalsAtLastTick else { return nil }
            accounts[index].totalsAtLastTick = nil
            return Tick(account, since: before)
        }
    }

    private mutating func account(for connection: Record.Connection) -> Int {
        let tuple = connection.tuple
        let index: Int
        if let known = accountOf[tuple] {
            index = known
            widen(known, to: connection.range)
        } else {
            let new = TupleAccount(
                tuple: tuple, range: connection.range,
                usable: usable(of: connection.range, in: tuple.netns))
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

    /// Sockets with a range of their own (IP_LOCAL_PORT_RANGE) and without share a tuple: the widest
    /// range tells what the tuple can hold, as long as the namespace still allows it.
    private mutating func widen(_ index: Int, to range: PortRange) {
        let known = accounts[index].range
        guard range != known else { return }
        let netns = accounts[index].tuple.netns
        guard range.count > known.count || pools[netns]?.range.contains(known) == false else {
            return
        }
        accounts[index].range = range
        accounts[index].usable = usable(of: range, in: netns)
    }

    private func usable(of range: PortRange, in netns: UInt32) -> Int {
        pools[netns]?.usable(of: range) ?? range.count
    }

    private mutating func touch(_ index: Int) {
        guard accounts[index].totalsAtLastTick == nil else { return }
        accounts[index].totalsAtLastTick = accounts[index].totals
        touched.append(index)
    }

    /// The connect() of `entry` is known to have got a port.
    private mutating func confirm(_ entry: Entry, at time: UInt64) {
        let index = Int(entry.account)
        touch(index)
        accounts[index].hold(at: time)
        accounts[index].totals.opened += 1
        accounts[index].processes.add(entry.process, opened: 1)
    }

    @discardableResult
    private mutating func remove(at place: SocketTable<Entry>.Place) -> Entry {
        let entry = entries.remove(at: place)
        let index = Int(entry.account)
        touch(index)
        accounts[index].entries -= 1
        if entry.phase.holds {
            accounts[index].release(timeWait: entry.phase == .timeWait || entry.phase == .leaving)
        }
        return entry
    }

    private mutating func add(_ entry: Entry, for socket: UInt64) {
        entries.insert(entry, for: socket)
        accounts[Int(entry.account)].entries += 1
    }

    private func change(_ kind: Change.Kind, _ entry: Entry, at time: UInt64) -> Change {
        let index = Int(entry.account)
        return Change(
            kind: kind, time: time, account: index, tuple: accounts[index].tuple,
            localPort: entry.localPort, process: entry.process, held: accounts[index].held,
            usable: accounts[index].usable)
    }
}
