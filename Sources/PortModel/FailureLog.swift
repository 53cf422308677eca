/// Connects that failed for want of a port: one, or several of the same process and tuple.
package struct Failure: Sendable {
    /// The last of them.
    package var change: Change
    package var cause: Change.Cause
    /// Nanoseconds the kernel searched, in the last of them.
    package var search: UInt64
    package var count: Int
}

/// Tells the first failure of a process towards a tuple at once, and then a count a second, for as
/// long as they go on.
package struct FailureLog: Sendable {
    private struct Key: Hashable {
        var process: Process
        var account: Int
        var cause: Change.Cause
    }

    private var running: [Key: Failure] = [:]

    package init() {}

    /// Nil when it is to be told with the others of this second.
    package mutating func add(_ change: Change) -> Failure? {
        guard case .failed(let cause, let search) = change.kind else { return nil }
        let key = Key(process: change.process, account: change.account, cause: cause)
        let before = running[key]?.count
        running[key] = Failure(
            change: change, cause: cause, search: search, count: (before ?? -1) + 1)
        return before == nil
            ? Failure(change: change, cause: cause, search: search, count: 1) : nil
    }

    /// Call once a second: what has come up since.
    package mutating func takeTick() -> [Failure] {
        let repeated = running.values.filter { $0.count > 0 }
        running = running.filter { $0.value.count > 0 }
        for key in running.keys { running[key]?.count = 0 }
        return repeated.sorted { $0.change.time < $1.change.time }
    }
}
