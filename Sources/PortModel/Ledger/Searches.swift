/// Connects that have not shown yet whether they found a port.
struct Searches: Sendable {
    /// Oldest first.
    private var begun: [(socket: UInt64, since: UInt64)] = []
    /// The ranges of the sockets that have one of their own.
    private var ownRanges: [UInt64: PortRange] = [:]

    private static let millisecond: UInt64 = 1_000_000

    /// - Parameter ownRange: nil if it is the namespace's.
    mutating func begin(_ socket: UInt64, at time: UInt64, ownRange: PortRange?) {
        begun.append((socket, time))
        if let ownRange { ownRanges[socket] = ownRange }
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
        var undecided: [(socket: UInt64, since: UInt64)] = []
        for (socket, since) in begun[..<due] {
            guard let place = connections.find(socket), connections[place].phase == .searching
            else { continue }
            let entry = connections[place]
            guard
                entry.localPort != 0 || connections.tuples[entry.tuple].usage.available > 0
                    || since &+ 1000 * Self.millisecond <= now
            else {
                // Nothing seems to be free, so it is still searching, or its failure is on the way.
                undecided.append((socket, since))
                continue
            }
            connections.confirm(entry, at: entry.openedAt)
            connections[place].phase = .connecting
            connections.assess(place)
            emit(connections.change(.connecting, entry, at: now))
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
