/// What the tracer's events say of one namespace, folded in as they come.
struct TracerView: Sendable {
    struct Account: Sendable {
        /// How often each port is held; more than once is wrong.
        var ports: [Int: Int] = [:]
        /// The same of the TIME_WAITs among them.
        var timeWaits: [Int: Int] = [:]
        /// The tuple's counts, as last told.
        var count = 0
        var usable = 0
        /// The number of the event that told them.
        var told = 0
        /// Of the ticks.
        var opened = 0
        var failed = 0
        var timeWaitCount = 0
        /// Of the failures.
        var failures = 0
    }

    private(set) var accounts: [TupleName: Account] = [:]
    private(set) var events = 0
    /// Connects that have begun.
    private(set) var begun = 0
    /// Connects that were established, or got an error in place of it.
    private(set) var connected = 0

    /// The ports that connections hold, in order, TIME_WAITs included.
    var held: [TupleName: [Int]] { list(\.ports) }
    var timeWaits: [TupleName: [Int]] { list(\.timeWaits) }
    /// How many each tuple holds, those that do not have their port's number told included.
    var counts: [TupleName: Int] { accounts.mapValues(\.count).filter { $0.value != 0 } }

    var opened: Int { accounts.values.reduce(0) { $0 + $1.opened } }
    var failed: Int { accounts.values.reduce(0) { $0 + $1.failed } }
    var failures: Int { accounts.values.reduce(0) { $0 + $1.failures } }

    private func list(_ ports: KeyPath<Account, [Int: Int]>) -> [TupleName: [Int]] {
        accounts.mapValues { account in
            account[keyPath: ports].flatMap { Array(repeating: $0.key, count: $0.value) }.sorted()
        }.filter { !$0.value.isEmpty }
    }

    mutating func fold(_ event: Event) {
        events += 1
        if event.name == "open" { begun += 1 }
        let gotError = event.name == "close" && event["error"] as String? != nil
        if event.name == "established" || gotError { connected += 1 }
        accounts[event.tuple, default: Account()].fold(event, number: events)
    }
}

extension TracerView.Account {
    fileprivate mutating func fold(_ event: Event, number: Int) {
        let port: Int = event["local_port"] ?? 0
        switch event.name {
        case "open": break
        case "established":
            ports[port, default: 0] += 1
        case "close":
            // With an error it never was established; and it may be older than the tracer.
            guard event["error"] as String? == nil, ports[port] != nil else { break }
            if event["time_wait"] == true {
                timeWaits[port, default: 0] += 1
            } else {
                Self.take(port, from: &ports)
            }
        case "release":
            // A port that only a bind kept was no longer held.
            guard timeWaits[port] != nil else { break }
            Self.take(port, from: &timeWaits)
            Self.take(port, from: &ports)
        case "tick":
            opened += event["opened"] ?? 0
            failed += event["failed"] ?? 0
            timeWaitCount = event["time_wait"] ?? 0
        case "failure":
            // It may be told late, with the counts of its time.
            if event["call"] == "connect" { failures += event["count"] ?? 0 }
            return
        default: return
        }
        count = event["held"] ?? 0
        usable = event["usable"] ?? 0
        told = number
    }

    private static func take(_ port: Int, from ports: inout [Int: Int]) {
        ports[port] = ports[port].flatMap { $0 > 1 ? $0 - 1 : nil }
    }
}
