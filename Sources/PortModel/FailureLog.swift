/// A connect() or a bind() that failed for want of a port: one, or several of the same process and
/// tuple.
package struct Failure: Sendable {
    package var call: Record.Call
    package var cause: Cause
    /// Nil when it was not told which of those that it may be.
    package var errno: UInt16?
    /// Of the last of them, as all that follows.
    package var time: UInt64
    /// bind(): without a peer.
    package var tuple: Tuple
    /// What the program had bound or, of bind(), asked for; 0 if it had not.
    package var localPort: UInt16
    package var process: ProcessID
    /// Of the tuple or, of bind(), of the pool of the local address.
    package var usage: PortUsage
    /// The range in force, and what takes ports of it.
    package var wall: Wall?
    /// Nanoseconds the kernel searched; nil if that was not seen.
    package var search: UInt64?
    /// The socket's own range, if it had one.
    package var ownRange: PortRange?
    package var count = 1

    package init(
        call: Record.Call, cause: Cause = .exhausted, errno: UInt16? = nil, time: UInt64,
        tuple: Tuple, localPort: UInt16 = 0, process: ProcessID, usage: PortUsage
    ) {
        self.call = call
        self.cause = cause
        self.errno = errno
        self.time = time
        self.tuple = tuple
        self.localPort = localPort
        self.process = process
        self.usage = usage
    }

    /// What stands in the way, of the ports of a range.
    package struct Wall: Hashable, Sendable {
        package var range: PortRange
        package var reserved: Int
        /// Held by a bind(), and not reserved.
        package var bound: Int
        /// The processes that hold most of the latter, as far as known.
        package var holders: [Holding]

        package init(range: PortRange, reserved: Int, bound: Int, holders: [Holding] = []) {
            self.range = range
            self.reserved = reserved
            self.bound = bound
            self.holders = holders
        }
    }

    package struct Holding: Hashable, Sendable {
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

    private struct Key: Hashable {
        var call: Record.Call
        var process: ProcessID
        var tuple: Tuple
        var errno: UInt16?
        var namesPort: Bool
    }

    private var running: [Key: Failure] = [:]
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
        guard refusal.call == .connect, refusal.socket != 0,
            let (failure, isTold) = returning.removeValue(forKey: refusal.socket)
        else { return add(other) }
        guard !isTold else { return nil }
        var told = failure
        told.errno = refusal.errno
        return add(told)
    }

    /// Whether a state has told of what has now returned.
    package func isAwaited(_ refusal: Record.Refusal) -> Bool {
        refusal.call == .connect && returning[refusal.socket] != nil
    }

    private mutating func add(_ failure: Failure) -> Failure? {
        let key = Key(
            call: failure.call, process: failure.process, tuple: failure.tuple,
            errno: failure.errno, namesPort: failure.localPort != 0)
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
