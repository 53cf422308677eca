import BenchSupport

/// What becomes of one connection, whatever the kernel's side tells of it.
struct Story {
    enum Ending {
        /// The port is in TIME_WAIT from `closed` to `released`.
        case timeWait
        /// The peer closed first: the port is free at once.
        case closed
        /// The peer has refused it.
        case refused
        /// The program's own bind keeps the port until `released`.
        case bound
        /// connect() found no port.
        case failed
    }

    var tuple: Int
    var process: Int
    var port: UInt16
    var ending: Ending
    /// Times in nanoseconds.
    var opened: UInt64
    var established: UInt64
    var closed: UInt64
    var released: UInt64
}

/// Several thousand connections a second of some processes to some peers, the same in each run: one
/// of the tuples has too few ports.
struct Stories {
    /// From and to where; the port range is its network namespace's.
    struct Tuple {
        let namespace: Int
        let remote: UInt8
        let remotePort: UInt16
        /// Of 1000 connections.
        let share: Int
    }

    static let tuples = [
        Tuple(namespace: 0, remote: 1, remotePort: 443, share: 400),
        Tuple(namespace: 0, remote: 2, remotePort: 443, share: 300),
        Tuple(namespace: 0, remote: 3, remotePort: 5432, share: 150),
        Tuple(namespace: 0, remote: 4, remotePort: 6379, share: 100),
        Tuple(namespace: 1, remote: 1, remotePort: 8080, share: 30),
        Tuple(namespace: 1, remote: 2, remotePort: 9092, share: 20),
    ]
    /// Of each network namespace: the ports of its range, and its inode number.
    static let ranges: [ClosedRange<UInt16>] = [32768...60999, 40000...40399]
    static let inodes: [UInt32] = [900, 901]
    static let processes = ["nginx", "checkout", "java", "wrk", "pgbouncer", "curl"]

    static let start: UInt64 = 1_000_000_000_000
    static let second: UInt64 = 1_000_000_000
    /// Between two connections.
    private static let pause: UInt64 = 100_000
    /// Until a TIME_WAIT is used again.
    private static let wait: UInt64 = 2_000_000_000

    /// Ports of a tuple that are not free yet, the soonest last.
    private struct Ports {
        var next: UInt16
        var free: [UInt16] = []
        var held: [(until: UInt64, port: UInt16)] = []
    }

    private(set) var all: [Story] = []
    private var random = SeededGenerator(seed: 7)
    private var ports: [Ports]

    init(count: Int) {
        ports = Self.tuples.map { Ports(next: Self.ranges[$0.namespace].lowerBound) }
        var now = Self.start
        for _ in 0..<count {
            now += UInt64.random(in: 1...2 * Self.pause, using: &random)
            all.append(story(at: now))
        }
    }

    private mutating func story(at now: UInt64) -> Story {
        let tuple = anyTuple()
        let established = now + UInt64.random(in: 50_000...500_000, using: &random)
        let closed = established + UInt64.random(in: 100_000...20_000_000, using: &random)
        var story = Story(
            tuple: tuple, process: Int.random(in: 0..<Self.processes.count, using: &random),
            port: 0,
            ending: ending(), opened: now, established: established, closed: closed,
            released: closed)
        switch story.ending {
        case .timeWait:
            story.released += Self.wait + UInt64.random(in: 0...Self.second, using: &random)
        case .bound: story.released += 50_000
        case .refused: story.closed = established
        case .closed, .failed: break
        }
        if let port = take(from: tuple, at: now, until: story.released) {
            story.port = port
        } else {
            story.ending = .failed
            story.closed = now + 30_000
        }
        return story
    }

    private mutating func anyTuple() -> Int {
        var place = Int.random(in: 0..<1000, using: &random)
        for (index, tuple) in Self.tuples.enumerated() {
            place -= tuple.share
            if place < 0 { return index }
        }
        return 0
    }

    private mutating func ending() -> Story.Ending {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<85: .timeWait
        case 85..<97: .closed
        case 97..<99: .refused
        default: .bound
        }
    }

    private mutating func take(from tuple: Int, at now: UInt64, until: UInt64) -> UInt16? {
        while let last = ports[tuple].held.last, last.until < now {
            ports[tuple].free.append(last.port)
            ports[tuple].held.removeLast()
        }
        let port: UInt16
        if ports[tuple].next <= Self.ranges[Self.tuples[tuple].namespace].upperBound {
            port = ports[tuple].next
            ports[tuple].next += 1
        } else if let freed = ports[tuple].free.popLast() {
            port = freed
        } else {
            return nil
        }
        var low = 0
        var high = ports[tuple].held.count
        while low < high {
            let middle = (low + high) / 2
            if ports[tuple].held[middle].until > until { low = middle + 1 } else { high = middle }
        }
        ports[tuple].held.insert((until, port), at: low)
        return port
    }
}
