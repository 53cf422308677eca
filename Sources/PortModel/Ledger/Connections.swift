/// The sockets that are followed, the tuples whose ports they hold, and the namespaces of these.
///
/// The counts of a tuple are the sums over its entries: whoever changes an entry keeps them so.
struct Connections: Sendable {
    typealias Place = SocketTable<Entry>.Place

    private var sockets = SocketTable(filler: Entry.none)
    var tuples = TupleTable()
    /// Some tuple has held more ports than it can.
    var isContradicted = false
    /// The network namespaces that have connections, by their identity.
    var namespaces: [UInt32: Namespace] = [:]
    /// Flips with each scan: an entry that carries it has been met or spoken of since the scan began.
    private(set) var mark = false

    func find(_ socket: UInt64) -> Place? { sockets.find(socket) }

    // Inlined, so that one byte is read and not the whole entry.
    subscript(place: Place) -> Entry {
        @inline(__always) get { sockets[place] }
        @inline(__always) _modify { yield &sockets[place] }
    }

    /// Hands over all entries, in no order.
    func each(_ body: (Entry) -> Void) { sockets.each { _, entry in body(entry) } }

    /// Visits all, in no order. A table that `body` copies is copied whole at the next change.
    mutating func visit(_ body: (UInt64, inout Entry) -> Void) { sockets.visit(body) }

    // MARK: Entries

    @discardableResult
    mutating func insert(_ entry: Entry, for socket: UInt64) -> Place {
        tuples[entry.tuple].entries += 1
        return sockets.insert(entry, for: socket)
    }

    @discardableResult
    mutating func remove(at place: Place) -> Entry {
        let entry = sockets.remove(at: place)
        tuples.touch(entry.tuple)
        tuples[entry.tuple].remove(entry)
        return entry
    }

    /// The connect() of `entry` is known to have got a port.
    mutating func confirm(_ entry: Entry, at time: UInt64) {
        let usage = tuples[entry.tuple].usage
        // With this one it is more than there are: something was missed.
        if usage.held - usage.outsidePool >= usage.usable, entry.localPort == 0 {
            isContradicted = true
        }
        tuples.touch(entry.tuple)
        tuples[entry.tuple].confirm(entry, at: time)
    }

    /// Ends the connection at `place`, whose port was confirmed, and returns it with the port it had at
    /// the end. `keepsPort`: the socket stays, for its bind keeps the port.
    mutating func close(
        at place: Place, port: UInt16, keepsPort: Bool, error: UInt16?, time: UInt64
    ) -> Entry {
        var entry = sockets[place]
        tuples.touch(entry.tuple)
        tuples[entry.tuple].close(entry, staysBound: keepsPort, error: error, at: time)
        entry.localPort = port
        if keepsPort {
            entry.phase = .bound
            entry.mark = mark
            entry.isOutsidePool = false
            sockets[place] = entry
        } else {
            _ = sockets.remove(at: place)
        }
        return entry
    }

    /// The timewait object `successor` holds the port, 0 if not known, of the connection at `place`.
    mutating func wait(
        from socket: UInt64, at place: Place, as successor: UInt64, port: UInt16, time: UInt64
    ) -> Place {
        var entry = sockets.remove(at: place)
        if entry.phase == .searching { confirm(entry, at: time) }
        if entry.localPort == 0 { entry.localPort = port }
        entry.phase = .timeWait
        entry.mark = mark
        entry.cookie = UInt32(truncatingIfNeeded: socket)
        tuples.touch(entry.tuple)
        tuples[entry.tuple].wait(entry, at: time)
        return sockets.insert(entry, for: successor)
    }

    func change(_ kind: Change.Kind, _ entry: Entry, at time: UInt64) -> Change {
        let usage = tuples[entry.tuple].usage
        return Change(
            kind: kind, time: time, place: entry.tuple, tuple: tuples[entry.tuple].tuple,
            localPort: entry.localPort, isOther: entry.isOther, process: entry.process,
            held: usage.held, usable: usage.usable)
    }

    // MARK: Scans

    /// From now on, `mark` is the one of entries that are met or spoken of.
    mutating func beginScan() { mark.toggle() }

    /// Marks all entries as met, and returns those that were not since the scan began, if `isDue`.
    mutating func takeUnmet(_ isDue: (Entry) -> Bool) -> [UInt64] {
        var unmet: [UInt64] = []
        let mark = mark
        sockets.visit { socket, entry in
            guard entry.mark != mark else { return }
            entry.mark = mark
            if isDue(entry) { unmet.append(socket) }
        }
        return unmet
    }
}
