/// What no record decides, but time does.
extension Ledger {
    /// A connect() that has not failed for 100 ms has its port (1 s where no port is free, as ports
    /// that were bound outside of the range are held, too), and a TIME_WAIT whose timer was
    /// stopped 1 ms ago is over.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds, when the ring was last read to its end.
    package mutating func settle(now: UInt64, _ emit: (Change) -> Void) {
        settleRipening(now: now)
        for change in overdue { emit(change) }
        overdue.removeAll()
        endLeaving(now, emit)
        decideSearching(now, emit)
    }

    private mutating func endLeaving(_ now: UInt64, _ emit: (Change) -> Void) {
        let staying = leaving.firstIndex { $0.since &+ Self.millisecond > now } ?? leaving.endIndex
        for (socket, time, departure) in leaving[..<staying] {
            guard let place = entries.find(socket), entries[place].phase == .leaving,
                entries[place].departures == departure
            else { continue }
            let gone = remove(at: place)
            emit(change(.released, gone, at: time))
        }
        leaving.removeSubrange(..<staying)
    }

    private mutating func decideSearching(_ now: UInt64, _ emit: (Change) -> Void) {
        let due = searching.firstIndex { $0.since &+ 100 * Self.millisecond > now }
        let ripe = searching[..<(due ?? searching.endIndex)]
        var undecided: [(socket: UInt64, since: UInt64)] = []
        for (socket, since) in ripe {
            guard let place = entries.find(socket), entries[place].phase == .searching else {
                continue
            }
            let entry = entries[place]
            let index = Int(entry.account)
            guard
                entry.localPort != 0 || accounts[index].standing.available > 0
                    || since &+ 1000 * Self.millisecond <= now
            else {
                // Nothing seems to be free, so it is still searching, or its failure is on the way.
                undecided.append((socket, since))
                continue
            }
            confirm(entry, at: entry.openedAt)
            entries[place].phase = .connecting
            assess(place)
            emit(change(.connecting, entry, at: now))
        }
        searching.replaceSubrange(..<ripe.endIndex, with: undecided)
    }
}
