/// The TIME_WAITs that only time decides on: reusable from when, and over after their timer stopped.
struct TimeWaits: Sendable {
    private struct Reuse {
        /// In CLOCK_MONOTONIC nanoseconds, like all times.
        var at: UInt64
        var socket: UInt64
        /// The lower half of the cookie it has inherited: its memory may be another's by then.
        var cookie: UInt32
    }

    /// The soonest first, in each namespace, as each has a delay of its own.
    private var reuses: [UInt32: Queue<Reuse>] = [:]
    /// TIME_WAITs whose timer was stopped, oldest first.
    private var stopped = Queue<(socket: UInt64, since: UInt64, epoch: UInt8)>()

    private static let millisecond: UInt64 = 1_000_000

    // MARK: What records tell

    /// The TIME_WAIT at `place`, which had timestamps, has begun.
    mutating func begin(
        _ socket: UInt64, at place: Connections.Place, since: UInt64,
        _ connections: inout Connections
    ) {
        connections[place].isReusable = true
        let entry = connections[place]
        guard let rules = connections.tuples[entry.tuple].reuse else { return }
        let netns = connections.tuples[entry.tuple].tuple.netns
        schedule(socket, entry, at: rules.reusable(since: since), in: netns)
    }

    /// The timer of the TIME_WAIT at `place` was stopped: its port is free, unless it is set again.
    mutating func stop(
        _ socket: UInt64, at place: Connections.Place, since time: UInt64,
        _ connections: inout Connections
    ) {
        guard connections[place].phase == .timeWait else { return }
        connections[place].phase = .releasePending
        connections[place].releaseEpoch &+= 1
        stopped.append((socket, time, connections[place].releaseEpoch))
    }

    /// The timer of the TIME_WAIT at `place` was set again.
    ///
    /// - Parameter reusable: it has timestamps: a parked FIN_WAIT2 may have become a true TIME_WAIT.
    mutating func rearm(
        _ socket: UInt64, at place: Connections.Place, reusable: Bool, time: UInt64,
        _ connections: inout Connections
    ) {
        connections[place].phase = .timeWait
        connections[place].mark = connections.mark
        if reusable, !connections[place].isReusable {
            begin(socket, at: place, since: time, &connections)
        }
    }

    /// The rules of a namespace have changed; none of its TIME_WAITs is counted as reusable any more.
    mutating func changeRules(in netns: UInt32, _ connections: inout Connections) {
        reuses[netns] = nil
        let allowsReuse = connections.tuples.byPlace { state in
            state.tuple.netns == netns && state.timeWait > 0 ? state.reuse != nil : nil
        }
        guard allowsReuse.contains(where: { $0 != nil }) else { return }
        var waiting: [(socket: UInt64, entry: Entry)] = []
        connections.visit { socket, entry in
            guard let allowsReuse = allowsReuse[entry.tuple], entry.phase.isTimeWait else {
                return
            }
            entry.isReusableNow = false
            if entry.isReusable, allowsReuse { waiting.append((socket, entry)) }
        }
        // Since when each has waited is not known any more, but for most it is longer than the delay.
        for (socket, entry) in waiting { schedule(socket, entry, at: 0, in: netns) }
    }

    /// A connect() will take the port of a TIME_WAIT from `time` on.
    mutating func schedule(_ socket: UInt64, _ entry: Entry, at time: UInt64, in netns: UInt32) {
        reuses[netns, default: Queue()].append(
            Reuse(at: time, socket: socket, cookie: entry.cookie))
    }

    mutating func close(namespace netns: UInt32) { reuses[netns] = nil }

    // MARK: What time tells

    /// Ends those whose timer was stopped 1 ms ago, and counts those that may be used again by now.
    ///
    /// - Parameters:
    ///   - now: when the ring was last read to its end.
    ///   - changes: gets the releases.
    mutating func settle(
        now: UInt64, _ connections: inout Connections, into changes: inout [Change]
    ) {
        for netns in Array(reuses.keys) { makeReusable(in: netns, now: now, &connections) }
        release(now, after: Self.millisecond, &connections, into: &changes)
    }

    /// Does the same up to a connect() in a namespace, so that reading late changes no count.
    mutating func pass(
        to time: UInt64, in netns: UInt32, _ connections: inout Connections,
        into changes: inout [Change]
    ) {
        makeReusable(in: netns, now: time, &connections)
        // Another CPU may connect while this one is about to set a timer again, and a virtual CPU that
        // does so may be kept from running.
        release(time, after: 100 * Self.millisecond, &connections, into: &changes)
    }

    private mutating func makeReusable(
        in netns: UInt32, now: UInt64, _ connections: inout Connections
    ) {
        while let next = reuses[netns]?.first, next.at <= now {
            reuses[netns]?.removeFirst()
            guard let place = connections.find(next.socket) else { continue }
            let entry = connections[place]
            guard entry.phase == .timeWait, entry.isReusable, !entry.isReusableNow,
                !entry.isOutsidePool, entry.cookie == next.cookie,
                connections.tuples[entry.tuple].reuse != nil
            else { continue }
            connections[place].isReusableNow = true
            connections.tuples.touch(entry.tuple)
            connections.tuples[entry.tuple].usage.reusable += 1
        }
    }

    private mutating func release(
        _ now: UInt64, after pause: UInt64, _ connections: inout Connections,
        into changes: inout [Change]
    ) {
        while let next = stopped.first, next.since &+ pause <= now {
            stopped.removeFirst()
            guard let place = connections.find(next.socket),
                connections[place].phase == .releasePending,
                connections[place].releaseEpoch == next.epoch
            else { continue }
            let gone = connections.remove(at: place)
            changes.append(connections.change(.released, gone, at: next.since))
        }
    }
}
