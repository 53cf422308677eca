/// The book of which process holds which port since when.
///
/// An entry lives from connect() to the moment its port is free, and is found by the socket's
/// identity, since a connecting socket has no port yet. Each tuple's count is derived from the
/// entries. Folding a record twice changes nothing, so snapshots can be folded in among live ones.
package struct Ledger: Sendable {
    var connections = Connections()
    var searches = Searches()
    var timeWaits = TimeWaits()
    var pools = BindPools()
    package var failures = Failures()
    /// The comparison with the kernel's table that is under way.
    var scan: TableScan?
    /// Changes that came to light with another socket's record, for the next `settle`.
    var overdue: [Change] = []
    package private(set) var anomalies = Anomalies()

    /// Only some processes are to be shown. All are counted.
    package var isFiltered = false
    /// Whether the kernel tells when a bound port is given back; if not, it is with the connection.
    package var followsBoundPorts = true

    package init() {}

    /// Duplicates, and records that contradict the ledger; they change no count.
    package struct Anomalies: Hashable, Sendable {
        /// Records that came twice, as copies of a program may send them.
        package var duplicates = 0
        /// Records about a socket that was never heard of.
        package var strangers = 0
    }

    /// ECANCELED, as most architectures number it: the program closed the socket unconnected.
    private static let gaveUp: UInt16 = 125
    private static let millisecond: UInt64 = 1_000_000

    // MARK: Records

    /// Folds one record in. Nil when it says nothing new, or speaks of a socket never heard of.
    package mutating func apply(_ record: Record) -> Change? {
        switch record {
        case .opened(let connection): return open(connection)
        case .established(let socket, let port, let time):
            return establish(socket, port: port, at: time)
        case .closed(let closing): return close(closing)
        case .timeWait(let socket, let successor, let reusable, let time):
            return wait(from: socket, as: successor, reusable: reusable, at: time)
        case .released(let socket, let cookie, let mayReturn, let time):
            return release(socket, of: cookie, mayReturn: mayReturn, at: time)
        case .exists(let connection, let state): return find(connection, in: state)
        case .owner(let socket, _, let process, let isOther): own(socket, process, isOther)
        case .namespace(let netns, let namespace, _):
            connections.describe(netns, namespace, &timeWaits)
        case .holder(let holder): pools.add(holder)
        case .refused(let refusal):
            // What is there already, and may be the cause, is not known before the seed is.
            if scan?.purpose == .seed {
                scan?.refusals.append(refusal)
            } else {
                failures.add(refusal, &connections, &pools)
            }
        case .searched(let socket, let port, let search, let time):
            return found(socket, port, after: search, at: time)
        case .carried(let socket, let bytes): carry(socket, bytes)
        }
        return nil
    }

    private mutating func open(_ connection: Record.Connection) -> Change? {
        connections.tuples.time = connection.time
        timeWaits.pass(
            to: connection.time, in: connection.tuple.netns, &connections, into: &overdue)
        if let place = connections.find(connection.socket) {
            let known = connections[place]
            // It has to fail before it can connect again.
            if known.phase == .searching, connection.time &- known.openedAt < 100 * Self.millisecond
            {
                anomalies.duplicates += 1
                return nil
            }
            if known.phase.holdsPort { anomalies.strangers += 1 }
            connections.remove(at: place)
        }
        let tuple = connections.tuple(of: connection, &timeWaits)
        let entry = Entry(
            openedAt: connection.time, process: connection.process, tuple: tuple,
            localPort: connection.localPort, phase: .searching, mark: connections.mark,
            isOther: connection.isOther)
        connections.insert(entry, for: connection.socket)
        let hasOwnRange = connections.hasOwnRange(connection, tuple: tuple)
        searches.begin(connection, ownRange: hasOwnRange ? connection.range : nil)
        if connection.portChosen { pools.meet(connection) }
        return connections.change(.opened, entry, at: connection.time)
    }

    private mutating func found(
        _ socket: UInt64, _ port: UInt16, after search: UInt64, at time: UInt64
    ) -> Change? {
        guard let place = connections.find(socket), connections[place].phase == .searching
        else { return nil }
        connections.tuples[connections[place].tuple].searches.add(search)
        connections.confirm(connections[place], at: time)
        connections[place].phase = .connecting
        connections[place].localPort = port
        connections.assess(place)
        return connections.change(.connecting, connections[place], at: time)
    }

    mutating func establish(_ socket: UInt64, port: UInt16, at time: UInt64) -> Change? {
        guard let place = connections.find(socket) else {
            anomalies.strangers += 1
            return nil
        }
        var entry = connections[place]
        guard entry.phase.isAttempt else {
            connections[place].mark = connections.mark
            anomalies.duplicates += 1
            return nil
        }
        if entry.phase == .searching { connections.confirm(entry, at: time) }
        entry.phase = .established
        entry.localPort = port
        entry.mark = connections.mark
        connections[place] = entry
        searches.end(socket)
        connections.assess(place)
        return connections.change(.established, entry, at: time)
    }

    private mutating func close(_ closing: Record.Closing) -> Change? {
        connections.tuples.time = closing.time
        scan?.ended[closing.socket] = closing.time
        guard let place = connections.find(closing.socket) else {
            anomalies.strangers += 1
            return nil
        }
        let known = connections[place]
        guard known.phase != .bound, !known.phase.isTimeWait else {
            anomalies.duplicates += 1
            return nil
        }
        let ownRange = searches.end(closing.socket)
        if closing.notSent, known.phase.isAttempt {
            return fail(closing, at: place, ownRange: ownRange)
        }
        if known.phase == .searching { connections.confirm(known, at: closing.time) }
        var error: UInt16?
        if known.phase != .established { error = closing.error == 0 ? Self.gaveUp : closing.error }
        let entry = connections.close(
            at: place, port: closing.localPort, keepsPort: closing.stillBound && followsBoundPorts,
            error: error, time: closing.time)
        let lived = entry.age(at: closing.time)
        return connections.change(
            .closed(timeWait: false, lived: lived, error: error), entry, at: closing.time)
    }

    private mutating func fail(
        _ closing: Record.Closing, at place: Connections.Place, ownRange: PortRange?
    ) -> Change? {
        let entry = connections.remove(at: place)
        if entry.phase == .connecting, entry.openedAt != 0 {
            // Taken for one that has its port, because its search was so long.
            connections.tuples[entry.tuple].count(entry.isOther) { $0.opened -= 1 }
            connections.tuples[entry.tuple].add(
                entry.process, isOther: entry.isOther, opened: -1)
        }
        let search = closing.time &- entry.openedAt
        connections.tuples[entry.tuple].searches.add(search)
        // Nothing was left only if connects that nobody has answered yet hold the rest.
        if connections.tuples[entry.tuple].mayBeUsedUpBySearches {
            searches.confirmReturned(
                tuple: entry.tuple, now: closing.time, &connections, into: &overdue)
        }
        let change = connections.change(
            .failed(search: search, range: ownRange), entry, at: closing.time)
        if entry.isOther {
            let cause = failures.likelyCause(
                of: change, search: search, ownRange: ownRange, connections)
            connections.tuples[entry.tuple].failOther(entry.process, cause)
        } else {
            failures.add(
                change, search: search, ownRange: ownRange, of: closing.socket, &connections)
        }
        return change
    }

    /// - Parameter port: 0 if it is not known; it is where the beginning of a connection was not
    ///   reported.
    mutating func wait(
        from socket: UInt64, as successor: UInt64, reusable: Bool, port: UInt16 = 0, at time: UInt64
    ) -> Change? {
        // Its memory is used again.
        scan?.ended[successor] = nil
        connections.tuples.time = time
        if let there = connections.find(successor) {
            if connections[there].phase.isTimeWait,
                connections[there].cookie == UInt32(truncatingIfNeeded: socket)
            {
                timeWaits.rearm(successor, at: there, reusable: reusable, time: time, &connections)
                return nil
            }
            // Its end was not reported, or not yet settled, and its memory is used again.
            drop(at: there, time: time)
        }
        guard let place = connections.find(socket), connections[place].phase != .bound,
            !connections[place].phase.isTimeWait
        else {
            anomalies.strangers += 1
            return nil
        }
        scan?.ended[socket] = time
        let there = connections.wait(from: socket, at: place, as: successor, port: port, time: time)
        connections.assess(there)
        if reusable { timeWaits.begin(successor, at: there, since: time, &connections) }
        let entry = connections[there]
        return connections.change(
            .closed(timeWait: true, lived: entry.age(at: time), error: nil), entry, at: time)
    }

    private mutating func release(
        _ socket: UInt64, of cookie: UInt64, mayReturn: Bool, at time: UInt64
    ) -> Change? {
        scan?.ended[socket] = time
        connections.tuples.time = time
        var found = connections.find(socket)
        if found == nil, cookie != 0, connections.find(cookie) != nil {
            // The kernel may skip a program that it has just interrupted: the beginning of this
            // TIME_WAIT was not reported. Its port was counted all the same, for the socket.
            let close = wait(from: cookie, as: socket, reusable: false, at: time)
            if let close { overdue.append(close) }
            found = connections.find(socket)
        }
        guard let place = found else {
            anomalies.strangers += 1
            return nil
        }
        if mayReturn {
            connections[place].mark = connections.mark
            timeWaits.stop(socket, at: place, since: time, &connections)
            return nil
        }
        // Not in one expression: `change` would borrow the ledger first, and the removal copy it.
        let entry = connections.remove(at: place)
        return connections.change(.released, entry, at: time)
    }

    private mutating func own(_ socket: UInt64, _ process: ProcessID, _ isOther: Bool) {
        guard let place = connections.find(socket), connections[place].process.pid == 0 else {
            return
        }
        connections[place].process = process
        let entry = connections[place]
        if entry.isOther, !isOther {
            connections.tuples[entry.tuple].choose(entry)
            connections[place].isOther = false
        }
        connections.tuples[entry.tuple].add(process, isOther: isOther, opened: 1)
    }

    private mutating func carry(_ socket: UInt64, _ bytes: UInt64) {
        guard let place = connections.find(socket) else { return }
        // The peer's FIN counts as one.
        connections.tuples[connections[place].tuple].loads.add(bytes == 1 ? 0 : bytes)
    }

    /// Ends what is at `place`; the release is reported with the next `settle`.
    mutating func drop(at place: Connections.Place, time: UInt64) {
        let gone = connections.remove(at: place)
        overdue.append(connections.change(.released, gone, at: time))
    }

    // MARK: Time

    /// Decides what no record does, but time: whether connects in search of a port have found one,
    /// and whether TIME_WAITs are over; and which failures are reported without what they returned.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds, when the ring was last read to its end.
    package mutating func settle(now: UInt64, _ emit: (Change) -> Void) {
        timeWaits.settle(now: now, &connections, into: &overdue)
        for change in overdue { emit(change) }
        overdue.removeAll()
        searches.settle(now: now, &connections, emit)
        failures.settle(now: now, &connections)
    }

    /// The tuples in which anything has changed since the last call, in the order they did.
    package mutating func takeTicks(at now: UInt64) -> [Tick] {
        connections.tuples.takeTicks(at: now)
    }
}
