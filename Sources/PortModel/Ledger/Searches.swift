/// Connects that have not shown yet whether they found a port.
struct Searches: Sendable {
    private struct Search {
        var socket: UInt64
        var since: UInt64
        /// The process and the thread that called.
        var caller: UInt64
    }

    /// Oldest first.
    private var begun: [Search] = []
    /// For which tuple, and when, these were looked through last for those that have returned.
    private var looked: (tuple: Int, at: UInt64) = (0, 0)
    /// The ranges of the sockets that have one of their own.
    private var ownRanges: [UInt64: PortRange] = [:]

    private static let millisecond: UInt64 = 1_000_000

    /// - Parameter ownRange: nil if it is the namespace's.
    mutating func begin(_ connection: Record.Connection, ownRange: PortRange?) {
        begun.append(
            Search(
                socket: connection.socket, since: connection.time,
                caller: UInt64(connection.process.pid) << 32 | UInt64(connection.thread)))
        if let ownRange { ownRanges[connection.socket] = ownRange }
    }

    /// Tells of connects of a tuple that they have found a port: whoever calls connect() again has
    /// returned from the one before, of which no failure was reported. A tuple's once a millisecond.
    mutating func confirmReturned(
        tuple: Int, now: UInt64, _ connections: inout Connections, into changes: inout [Change]
    ) {
        guard tuple != looked.tuple || now >= looked.at &+ Self.millisecond else { return }
        looked = (tuple, now)
        var callers: Set<UInt64> = []
        for search in begun.reversed() {
            guard !callers.insert(search.caller).inserted,
                let place = connections.find(search.socket), connections[place].tuple == tuple,
                connections[place].phase == .searching,
                connections[place].openedAt == search.since
            else { continue }
            let change = confirm(place, at: now, &connections)
            changes.append(change)
        }
    }

    private func confirm(
        _ place: Connections.Place, at now: UInt64, _ connections: inout Connections
    ) -> Change {
        let entry = connections[place]
        connections.confirm(entry, at: entry.openedAt)
        connections[place].phase = .connecting
        connections.assess(place)
        return connections.change(.connecting, entry, at: now)
    }

    /// A connect() has found a port, or has ended without; returns the range that its socket has of its
    /// own.
    @discardableResult
    mutating func end(_ socket: UInt64) -> PortRange? {
        ownRanges.isEmpty ? nil : ownRanges.removeValue(forKey: socket)
    }

    /// A connect() that has not failed for 100 ms has its port (1 s where no port is free, as ports
    /// that were bound outside of the range are held, too).
    mutating func settle(now: UInt64, _ connections: inout Connections, _ emit: (Change) -> Void) {
        let due = begun.firstIndex { $0.since &+ 100 * Self.millisecond > now } ?? begun.endIndex
        guard due > 0 else { return }
        var undecided: [Search] = []
        for search in begun[..<due] {
            guard let place = connections.find(search.socket),
                connections[place].phase == .searching
            else { continue }
            let entry = connections[place]
            guard
                entry.localPort != 0 || connections.tuples[entry.tuple].usage.available > 0
                    || search.since &+ 1000 * Self.millisecond <= now
            else {
                // Nothing seems to be free, so it is still searching, or its failure is on the way.
                undecided.append(search)
                continue
            }
            emit(confirm(place, at: now, &connections))
        }
        begun.replaceSubrange(..<due, with: undecided)
    }

    func undecided(in connections: Connections) -> Int {
        begun.count {
            guard let place = connections.find($0.socket) else { return false }
            return connections[place].phase == .searching && connections[place].openedAt == $0.since
        }
    }
}
