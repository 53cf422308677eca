/// What no record decides, but time does.
extension Ledger {
    /// A connect() that has not failed for 100 ms has its port (1 s where no port is free, as ports
    /// that were bound outside of the range are held, too), and a TIME_WAIT whose timer was
    /// stopped 1 ms ago is over.
    ///
    /// - Parameter now: CLOCK_MONOTONIC nanoseconds, when the ring was last read to its end.
    package mutating func settle(now: UInt64, _ emit: (Change) -> Void) {
        for netns in Array(ripening.keys) { settleRipening(in: netns, now: now) }
        endLeaving(now, after: Self.millisecond)
        for change in overdue { emit(change) }
        overdue.removeAll()
        decideSearching(now, emit)
        settleFailures(now: now)
    }

    /// A connect() met the ports of a namespace as they were by then: who reads late, or much at once,
    /// must not count them otherwise. What has ended is told with the next `settle`.
    mutating func passTime(to time: UInt64, in netns: UInt32) {
        settleRipening(in: netns, now: time)
        // Another CPU may connect while this one is about to set a timer again, and a virtual CPU that
        // does so may be kept from running.
        endLeaving(time, after: 100 * Self.millisecond)
    }

    private mutating func endLeaving(_ now: UInt64, after pause: UInt64) {
        while let next = leaving.first, next.since &+ pause <= now {
            leaving.removeFirst()
            guard let place = entries.find(next.socket), entries[place].phase == .leaving,
                entries[place].departures == next.departure
            else { continue }
            let gone = remove(at: place)
            overdue.append(change(.released, gone, at: next.since))
        }
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
                entry.localPort != 0 || accounts[index].usage.available > 0
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
