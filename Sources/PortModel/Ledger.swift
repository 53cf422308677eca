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
    /// TIME_WAITs whose timer was stopped before its time: ended, unless it is started again.
    private var mayReturn: [UInt64: UInt64] = [:]
    /// While a snapshot is folded in: what has ended since it began and may still turn up in it.
    private var ended: Set<UInt64>?

    package init() {}

    package struct Forgotten: Hashable, Sendable {
        package var tuples = 0
        package var totals = TupleAccount.Totals()
    }

    private enum Phase: UInt8 {
        case searching, connecting, established, timeWait
        /// Closed, while the program's own bind keeps the port: no longer this tuple's.
        case bound

        var holds: Bool { self != .searching && self != .bound }
    }

    private struct Entry {
        var openedAt: UInt64
        var name: Process.Name
        var pid: UInt32
        var account: Int32
        var localPort: UInt16
        var phase: Phase
        /// Existed before the start: its age is not known.
        var found: Bool

        var process: Process { Process(pid: pid, name: name) }

        static let none = Entry(
            openedAt: 0, name: Process.Name(), pid: 0, account: 0, localPort: 0, phase: .bound,
            found: false)
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
        case .timeWait(let socket, let successor, let port, let time):
            pass(from: socket, to: successor, port: port, at: time)
        case .released(let socket, let mayReturn, let time):
            release(socket, mayReturn: mayReturn, at: time)
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
            account: Int32(account), localPort: connection.localPort, phase: .searching,
            found: false)
        entries.insert(entry, for: connection.socket)
        searching.append((connection.socket, connection.time))
        return change(.opened, entry, at: connection.time)
    }

    private mutating func establish(_ socket: UInt64, port: UInt16, at time: UInt64) -> Change? {
        guard let place = entries.find(socket) else { return nil }
        switch entries[place].phase {
        case .searching: confirm(entries[place], at: time)
        case .connecting: break
        case .established, .timeWait, .bound: return nil
        }
        entries[place].phase = .established
        entries[place].localPort = port
        return change(.established, entries[place], at: time)
    }

    private mutating func close(_ closing: Record.Closing) -> Change? {
        guard let place = entries.find(closing.socket) else { return nil }
        var entry = entries[place]
        if entry.phase == .bound { return nil }
        let boundItself = entry.phase == .searching && entry.localPort != 0
        if closing.localPort == 0 { return fail(closing, at: place, .noPort) }
        if boundItself, closing.notSent, closing.error == 0 {
            return fail(closing, at: place, .boundPortInUse)
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
        if closing.stillBound {
            entry.phase = .bound
            entries[place] = entry
        } else {
            entries.remove(at: place)
        }
        let lived = entry.found ? nil : closing.time &- entry.openedAt
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
        }
        accounts[index].totals.failed += 1
        accounts[index].processes.add(entry.process, failed: 1)
        if accounts[index].firstFailureAt == nil { accounts[index].firstFailureAt = closing.time }
        let search = closing.time &- entry.openedAt
        return change(.failed(cause, search: search), entry, at: closing.time)
    }

    private mutating func pass(
        from socket: UInt64, to successor: UInt64, port: UInt16, at time: UInt64
    ) -> Change? {
        ended?.remove(successor)
        if !mayReturn.isEmpty { mayReturn[successor] = nil }
        guard let place = entries.find(socket), entries[place].phase != .bound
        else { return nil }
        var entry = entries.remove(at: place).value
        if entry.phase == .searching { confirm(entry, at: time) }
        entry.phase = .timeWait
        entry.localPort = port
        if let stale = entries.find(successor) { remove(at: stale) }
        entries.insert(entry, for: successor)
        let index = Int(entry.account)
        touch(index)
        accounts[index].timeWait += 1
        accounts[index].totals.closed += 1
        let lived = entry.found ? nil : time &- entry.openedAt
        return change(.closed(timeWait: true, lived: lived, error: nil), entry, at: time)
    }

    private mutating func release(_ socket: UInt64, mayReturn early: Bool, at time: UInt64)
        -> Change?
    {
        ended?.insert(socket)
        guard let place = entries.find(socket) else { return nil }
        if early {
            mayReturn[socket] = time
            return nil
        }
        // Not in one expression: `change` would borrow the ledger first, and the removal copy it.
        let entry = remove(at: place)
        return change(.released, entry, at: time)
    }

    private mutating func find(_ connection: Record.Connection, in state: Record.State) -> Change? {
        if let ended, ended.contains(connection.socket) { return nil }
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
            openedAt: connection.time, name: connection.process.name, pid: connection.process.pid,
            account: Int32(account), localPort: connection.localPort, phase: phase, found: true)
        entries.insert(entry, for: connection.socket)
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
        if pools[netns] == pool { return nil }
        pools[netns] = pool
        for index in accounts.indices where accounts[index].tuple.netns == netns {
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
        let over = mayReturn.filter { now > $0.value && now - $0.value >= Self.millisecond }
        for (socket, time) in over.sorted(by: { $0.value < $1.value }) {
            mayReturn[socket] = nil
            guard let place = entries.find(socket) else { continue }
            let entry = remove(at: place)
            emit(change(.released, entry, at: time))
        }
        let due = searching.firstIndex { $0.since + 100 * Self.millisecond > now }
        let ripe = searching[..<(due ?? searching.endIndex)]
        var undecided: [(socket: UInt64, since: UInt64)] = []
        for (socket, since) in ripe {
            guard let place = entries.find(socket), entries[place].phase == .searching else {
                continue
            }
            let entry = entries[place]
            let account = accounts[Int(entry.account)]
            guard account.held < account.usable else {
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
    package mutating func beginSnapshot() { ended = [] }

    package mutating func endSnapshot() { ended = nil }

    // MARK: Tuples

    /// Drops the tuples that hold nothing and never failed, when there are more than `limit`.
    package mutating func forgetIdle(keeping limit: Int) {
        guard accountOf.count > limit else { return }
        for (tuple, index) in accountOf {
            let account = accounts[index]
            guard account.held == 0, account.totals.failed == 0, account.totalsAtLastTick == nil
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
            if accounts[known].range != connection.range {
                accounts[known].range = connection.range
                accounts[known].usable = usable(of: connection.range, in: tuple.netns)
            }
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
        let (socket, entry) = entries.remove(at: place)
        if !mayReturn.isEmpty { mayReturn[socket] = nil }
        release(entry)
        return entry
    }

    private mutating func release(_ entry: Entry) {
        touch(Int(entry.account))
        guard entry.phase.holds else { return }
        accounts[Int(entry.account)].release(timeWait: entry.phase == .timeWait)
    }

    private func change(_ kind: Change.Kind, _ entry: Entry, at time: UInt64) -> Change {
        let index = Int(entry.account)
        return Change(
            kind: kind, time: time, account: index, tuple: accounts[index].tuple,
            localPort: entry.localPort, process: entry.process, held: accounts[index].held,
            usable: accounts[index].usable)
    }
}
