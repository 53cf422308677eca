/// Who holds which port since when.
///
/// An entry lives from connect() to the moment its port is free, and is found by the socket's
/// identity, since a connecting socket has no port yet. Each tuple's count is derived from the
/// entries. Folding a record twice changes nothing, so snapshots can be folded in among live ones.
package struct Ledger: Sendable {
    package private(set) var accounts: [TupleAccount] = []
    /// Totals of the tuples that were forgotten because there were too many of them.
    package private(set) var forgotten = Forgotten()

    private var entries: [UInt64: Entry] = [:]
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
        if let known = entries[connection.socket] {
            if known.openedAt == connection.time { return nil }
            remove(connection.socket, known)
        }
        let account = account(for: connection)
        let entry = Entry(
            openedAt: connection.time, name: connection.process.name, pid: connection.process.pid,
            account: Int32(account), localPort: connection.localPort, phase: .searching,
            found: false)
        entries[connection.socket] = entry
        searching.append((connection.socket, connection.time))
        return change(.opened, entry, at: connection.time)
    }

    private mutating func establish(_ socket: UInt64, port: UInt16, at time: UInt64) -> Change? {
        guard var entry = entries[socket], entry.phase == .searching || entry.phase == .connecting
        else { return nil }
        if entry.phase == .searching { confirm(entry, at: time) }
        entry.phase = .established
        entry.localPort = port
        entries[socket] = entry
        return change(.established, entry, at: time)
    }

    private mutating func close(_ closing: Record.Closing) -> Change? {
        guard var entry = entries[closing.socket], entry.phase != .bound else { return nil }
        let named = entry.localPort != 0
        if closing.localPort == 0 { return fail(closing, entry, .noPort) }
        if entry.phase == .searching, named, closing.notSent, closing.error == 0 {
            return fail(closing, entry, .boundPortInUse)
        }
        if entry.phase == .searching { confirm(entry, at: closing.time) }
        var error: UInt16?
        if entry.phase != .established {
            error = closing.error == 0 ? Self.gaveUp : closing.error
            accounts[Int(entry.account)].errors[error ?? 0, default: 0] += 1
        }
        entry.localPort = closing.localPort
        touch(Int(entry.account))
        accounts[Int(entry.account)].release(timeWait: false)
        accounts[Int(entry.account)].totals.closed += 1
        if closing.stillBound {
            entry.phase = .bound
            entries[closing.socket] = entry
        } else {
            entries[closing.socket] = nil
        }
        let lived = entry.found ? nil : closing.time &- entry.openedAt
        return change(
            .closed(timeWait: false, lived: lived, error: error), entry, at: closing.time)
    }

    private mutating func fail(
        _ closing: Record.Closing, _ entry: Entry, _ cause: Change.Cause
    ) -> Change? {
        let index = Int(entry.account)
        remove(closing.socket, entry)
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
        guard var entry = entries[socket], entry.phase != .bound else {
            mayReturn[successor] = nil
            return nil
        }
        if let stale = entries[successor] { remove(successor, stale) }
        mayReturn[successor] = nil
        entries[socket] = nil
        if entry.phase == .searching { confirm(entry, at: time) }
        entry.phase = .timeWait
        entry.localPort = port
        entries[successor] = entry
        touch(Int(entry.account))
        accounts[Int(entry.account)].timeWait += 1
        accounts[Int(entry.account)].totals.closed += 1
        let lived = entry.found ? nil : time &- entry.openedAt
        return change(.closed(timeWait: true, lived: lived, error: nil), entry, at: time)
    }

    private mutating func release(_ socket: UInt64, mayReturn early: Bool, at time: UInt64)
        -> Change?
    {
        ended?.insert(socket)
        guard let entry = entries[socket] else { return nil }
        if early {
            mayReturn[socket] = time
            return nil
        }
        remove(socket, entry)
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
        if var known = entries[connection.socket], known.phase != .bound {
            guard known.phase != phase, phase != .timeWait, connection.localPort != 0 else {
                return nil
            }
            if known.phase == .searching { confirm(known, at: connection.time) }
            known.phase = phase
            known.localPort = connection.localPort
            entries[connection.socket] = known
            return nil
        }
        if phase == .connecting, connection.localPort == 0 { return nil }
        let account = account(for: connection)
        accounts[account].hold(at: connection.time, timeWait: phase == .timeWait)
        entries[connection.socket] = Entry(
            openedAt: connection.time, name: connection.process.name, pid: connection.process.pid,
            account: Int32(account), localPort: connection.localPort, phase: phase, found: true)
        return nil
    }

    private mutating func own(_ socket: UInt64, _ process: Process) -> Change? {
        guard let entry = entries[socket], entry.pid == 0 else { return nil }
        entries[socket]?.pid = process.pid
        entries[socket]?.name = process.name
        accounts[Int(entry.account)].processes.add(process, opened: 1)
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

    /// Decides what no further record decides: a connect() that has not failed for 20 ms has its
    /// port, and a TIME_WAIT whose timer was stopped 1 ms ago is over.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds, when the ring was last read to its end.
    package mutating func settle(now: UInt64, _ emit: (Change) -> Void) {
        for (socket, time) in mayReturn where now &- time >= Self.millisecond && now > time {
            mayReturn[socket] = nil
            guard let entry = entries[socket] else { continue }
            remove(socket, entry)
            emit(change(.released, entry, at: time))
        }
        let due = searching.firstIndex { $0.since + 20 * Self.millisecond > now }
        let ripe = searching[..<(due ?? searching.endIndex)]
        var undecided: [(socket: UInt64, since: UInt64)] = []
        for (socket, since) in ripe {
            guard var entry = entries[socket], entry.phase == .searching else { continue }
            let account = accounts[Int(entry.account)]
            guard account.held < account.usable else {
                // Nothing is free, so it is still searching, or its failure is on the way.
                undecided.append((socket, since))
                continue
            }
            confirm(entry, at: entry.openedAt)
            entry.phase = .connecting
            entries[socket] = entry
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

    private mutating func remove(_ socket: UInt64, _ entry: Entry) {
        entries[socket] = nil
        mayReturn[socket] = nil
        touch(Int(entry.account))
        if entry.phase.holds {
            accounts[Int(entry.account)].release(timeWait: entry.phase == .timeWait)
        }
    }

    private func change(_ kind: Change.Kind, _ entry: Entry, at time: UInt64) -> Change {
        let index = Int(entry.account)
        return Change(
            kind: kind, time: time, account: index, tuple: accounts[index].tuple,
            localPort: entry.localPort, process: entry.process, held: accounts[index].held,
            usable: accounts[index].usable)
    }
}
