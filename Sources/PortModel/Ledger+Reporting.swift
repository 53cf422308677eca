extension Ledger {
    package var awaitsReturns: Bool {
        get { log.awaitsReturns }
        set { log.awaitsReturns = newValue }
    }
    package var failingNamespaces: Set<UInt32> { Set(due.map(\.call.scope.netns)) }
    package mutating func takeFailures() -> [Failure] {
        var failures = due
        due.removeAll(keepingCapacity: true)
        for index in failures.indices { diagnose(&failures[index], isKnown: awaitsReturns) }
        return failures
    }
    package mutating func takeRepeatedFailures() -> [Failure] {
        due += log.takeTick()
        return takeFailures()
    }
    mutating func settleFailures(now: UInt64) { due += log.settle(now: now) }
    mutating func register(_ record: Record, _ change: Change?) {
        if case .refused(let refusal) = record {
            let other = failure(refusal)
            if !log.isAwaited(refusal) { enter(other) }
            if let first = log.returned(refusal, else: other) { due.append(first) }
        } else if case .closed(let closing) = record, let change, let failure = failure(change),
            let first = log.add(failure, socket: closing.socket)
        {
            due.append(first)
        }
    }
}
