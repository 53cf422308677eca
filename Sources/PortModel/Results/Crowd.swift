/// What the processes without a place in `Callers` have called, by name; and which of them there were,
/// so that none is taken for a newcomer.
struct Crowd: Sendable {
    struct Row: Sendable {
        /// Without the processes that have a place.
        var counts: Callers.NameShare
        var pids = DistinctPIDs()

        init(_ name: ProcessID.Name?) { counts = Callers.NameShare(name: name) }

        var share: Callers.NameShare {
            var share = counts
            share.processes = pids.count
            return share
        }
    }

    /// The first is of all names that have none of their own.
    private(set) var rows: [Row] = [Row(nil)]
    /// Processes that the rows had no room for.
    private var further = ProcessFilter()

    private static let names = 64

    /// - Parameter places: the processes that have a place now: all there were.
    init(_ places: [Callers.Share]) { for place in places { _ = row(of: place.process) } }

    /// The row of its name, if need be a new one.
    private mutating func row(of process: ProcessID) -> Int {
        if let known = known(process) { return known }
        guard rows.count <= Self.names else { return 0 }
        rows.append(Row(process.name))
        return rows.count - 1
    }

    private func known(_ process: ProcessID) -> Int? {
        rows.firstIndex { $0.counts.name == process.name }
    }

    /// Whether `process`, which has no place, has or may have lost one. Its name has a row from now on.
    mutating func mayKnow(_ process: ProcessID) -> Bool {
        let pids = rows[row(of: process)].pids
        return pids.contains(process.pid) || pids.isFull && further.mayContain(process)
    }

    /// Counts further calls of a process that has no place.
    mutating func add(_ share: Callers.Share) { rows[row(of: share.process)].counts.add(share) }

    /// Takes over a process that loses its place.
    mutating func displace(_ share: Callers.Share) {
        let row = row(of: share.process)
        rows[row].counts.add(share)
        if !rows[row].pids.insert(share.process.pid) { further.insert(share.process) }
    }

    mutating func recount(
        _ process: ProcessID, from before: Cause?, to cause: Cause?, _ count: Int
    ) {
        rows[known(process) ?? 0].counts.causes.move(count, from: before, to: cause)
    }

    /// The processes that are the only ones of their name: what the name has called, they have.
    func single(besides places: [Callers.Share]) -> [Callers.Share] {
        rows.compactMap { row in
            guard let name = row.counts.name, let pid = row.pids.only,
                !places.contains(where: { $0.process.name == name })
            else { return nil }
            var share = Callers.Share(
                process: ProcessID(pid: pid, name: name), opened: row.counts.opened,
                failed: row.counts.failed)
            share.causes = row.counts.causes
            return share
        }
    }
}

/// A Bloom filter of processes, of 4 KiB once it has any: it forgets none, and takes one in twenty for
/// known that is not once it has 5,000.
private struct ProcessFilter: Sendable {
    private var words: [UInt64] = []

    private static let words = 512
    private static let hashes = 3

    mutating func insert(_ process: ProcessID) {
        if words.isEmpty { words = Array(repeating: 0, count: Self.words) }
        for bit in Self.bits(of: process) { words[bit / 64] |= 1 << UInt64(bit % 64) }
    }

    func mayContain(_ process: ProcessID) -> Bool {
        !words.isEmpty
            && Self.bits(of: process).allSatisfy { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
    }

    private static func bits(of process: ProcessID) -> [Int] {
        var mixed = UInt64(process.pid) &* 0x9e37_79b9_7f4a_7c15
        for part in [process.name.head, process.name.tail] {
            mixed = (mixed ^ part ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        }
        return (0..<hashes).map { Int((mixed >> (UInt64($0) * 20)) % UInt64(words * 64)) }
    }
}
