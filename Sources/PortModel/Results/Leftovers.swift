/// The ports that a network namespace holds from before, by tuple, as a snapshot finds them.
package struct Leftovers: Sendable {
    package struct Row: Sendable {
        package let tuple: Tuple
        package fileprivate(set) var held = 0
        package fileprivate(set) var timeWait = 0
        /// The ports that connect() chooses from.
        package let range: PortRange
        /// When the last TIME_WAIT ends, in CLOCK_MONOTONIC nanoseconds; nil if none or not known.
        package fileprivate(set) var lastFree: UInt64?

        /// So much that it matters: TIME_WAITs, or at least a hundredth of the range.
        fileprivate var isNotable: Bool { timeWait > 0 || held * 100 >= range.count }
    }

    private let netns: UInt32
    private var rowOf: [Tuple: Row] = [:]
    /// A snapshot in two rounds shows most of them twice.
    private var seen: Set<UInt64> = []
    /// Opened since, by the command itself for one: a socket's identity, which its TIME_WAIT inherits.
    private var opened: Set<UInt64> = []

    package init(of netns: UInt32) { self.netns = netns }

    /// Counts in what a snapshot says of one socket, unless its beginning was among the records.
    package mutating func see(_ record: Record) {
        if case .opened(let connection) = record { opened.insert(connection.socket) }
        guard case .exists(let connection, let state) = record, connection.tuple.netns == netns,
            !opened.contains(connection.socket), !opened.contains(connection.cookie),
            seen.insert(connection.socket).inserted
        else { return }
        let tuple = connection.tuple
        var row = rowOf[tuple] ?? Row(tuple: tuple, range: connection.range)
        row.held += 1
        if state == .timeWait {
            row.timeWait += 1
            if connection.age < TimeWaitRules.length {
                let began = connection.time - min(connection.age, connection.time)
                let free = began + TimeWaitRules.length
                row.lastFree = max(row.lastFree ?? 0, free)
            }
        }
        rowOf[tuple] = row
    }

    /// The tuples that matter, most ports first.
    package var rows: [Row] {
        rowOf.values.filter(\.isNotable).sorted { ($0.held, $0.timeWait) > ($1.held, $1.timeWait) }
    }

    package var timeWaits: Int { rowOf.values.reduce(0) { $0 + $1.timeWait } }

    /// When the last of these will be free, in CLOCK_MONOTONIC nanoseconds.
    package var lastFree: UInt64? { rowOf.values.compactMap(\.lastFree).max() }
}
