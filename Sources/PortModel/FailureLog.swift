/// A connect() or a bind() that failed for want of a port: one, or several of the same process and
/// tuple.
package struct Failure: Sendable {
    package var call: FailedCall
    /// Of the last of them, as all that follows.
    package var time: UInt64
    /// Of the tuple or, of bind(), of the pool of the local address.
    package var usage: PortUsage
    /// The range in force, and what takes ports of it.
    package var limit: Limit?
    /// Nanoseconds the kernel searched; nil if that was not seen.
    package var search: UInt64?
    /// The socket's own range, if it had one.
    package var ownRange: PortRange?
    package var count = 1

    package init(_ call: FailedCall, time: UInt64, usage: PortUsage) {
        self.call = call
        self.time = time
        self.usage = usage
    }

    /// What stands in the way, of the ports of a range.
    package struct Limit: Hashable, Sendable {
        package var range: PortRange
        package var reserved: Int
        /// Held by a bind(), and not reserved.
        package var bound: Int
        /// The processes that hold most of the latter, as far as known.
        package var holders: [Holder]

        package init(range: PortRange, reserved: Int, bound: Int, holders: [Holder] = []) {
            self.range = range
            self.reserved = reserved
            self.bound = bound
            self.holders = holders
        }
    }

    package struct Holder: Hashable, Sendable {
        package var process: ProcessID
        package var ports: Int

        package init(process: ProcessID, ports: Int) {
            self.process = process
            self.ports = ports
        }
    }
}

/// Tells the first failure of a process towards a tuple at once, and then a count a second, for as
/// long as they go on.
package struct FailureLog: Sendable {
    /// Whether each failed connect() is followed by what it returned.
    package var awaitsReturns = false

    /// By call, regardless of which port it named.
    private var running: [FailedCall: Failure] = [:]
    /// By socket: connects that failed, and have not returned as far as is known.
    private var returning: [UInt64: (failure: Failure, isTold: Bool)] = [:]

    /// Beyond it, each is told by itself.
    private static let limit = 10_000
    private static let patience: UInt64 = 100_000_000

    package init() {}

    /// A connect() found no port.
    ///
    /// - Returns: nil when it is to be told later.
    package mutating func add(_ failure: Failure, socket: UInt64) -> Failure? {
        guard awaitsReturns else { return add(failure) }
        // What the one before returned has been lost.
        let before = returning.updateValue((failure, false), forKey: socket)
        return before.flatMap { $0.isTold ? nil : add($0.failure) }
    }

    /// A call has returned an error. What a connect() failed for is told by its state and by this.
    ///
    /// - Parameter other: what it is if no state told of it.
    package mutating func returned(_ refusal: Record.Refusal, else other: Failure) -> Failure? {
        guard refusal.call.kind == .connect, refusal.socket != 0,
            let (failure, isTold) = returning.removeValue(forKey: refusal.socket)
        else { return add(other) }
        guard !isTold else { return nil }
        var told = failure
        told.call.errno = refusal.call.errno
        return add(told)
    }

    /// Whether a state has told of what has now returned.
    package func isAwaited(_ refusal: Record.Refusal) -> Bool {
        refusal.call.kind == .connect && returning[refusal.socket] != nil
    }

    private mutating func add(_ failure: Failure) -> Failure? {
        var key = failure.call
        (key.cause, key.localPort) = (nil, min(key.localPort, 1))
        var failure = failure
        let before = running[key]?.count
        failure.count = (before ?? -1) + 1
        if before != nil || running.count < Self.limit { running[key] = failure }
        guard before == nil else { return nil }
        failure.count = 1
        return failure
    }

    /// Those whose return was not told in time.
    package mutating func settle(now: UInt64) -> [Failure] {
        guard !returning.isEmpty else { return [] }
        var told: [Failure] = []
        for (socket, (failure, isTold)) in returning {
            let age = now &- min(now, failure.time)
            if age > 10 * Self.patience { returning[socket] = nil }
            guard !isTold, age > Self.patience else { continue }
            if age <= 10 * Self.patience { returning[socket]?.isTold = true }
            if let first = add(failure) { told.append(first) }
        }
        return told.sorted { $0.time < $1.time }
    }

    /// Call once a second: what has come up since.
    package mutating func takeTick() -> [Failure] {
        let repeated = running.values.filter { $0.count > 0 }
        running = running.filter { $0.value.count > 0 }
        for key in running.keys { running[key]?.count = 0 }
        return repeated.sorted { $0.time < $1.time }
    }
}
