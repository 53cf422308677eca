/// The processes that called connect() for a tuple, or bind() for a pool, in bounded space: exact
/// counts by name, and exact counts of those processes that have had a place from their first call.
///
/// There are 16 places. When all are taken, a newcomer takes that of the process with the fewest
/// calls, whose counts go on in the row of its name, for good: it gets no second place, as it would
/// begin with less than it had.
package struct Callers: Sendable {
    /// A process, and its calls.
    package struct Share: Hashable, Sendable {
        package var process: ProcessID
        package var opened: Int
        package var failed: Int
        /// How many of `failed` have which cause, as far as it is known.
        package var causes: [Cause: Int] = [:]

        package init(process: ProcessID, opened: Int, failed: Int) {
            (self.process, self.opened, self.failed) = (process, opened, failed)
        }

        var calls: Int { opened + failed }
    }

    /// All processes of one name, and their calls.
    package struct NameShare: Hashable, Sendable {
        /// Nil: of all names beyond 64.
        package var name: ProcessID.Name?
        /// Distinct ones; `DistinctPIDs.more` stands for more than a thousand.
        package var processes: Int
        package var opened = 0
        package var failed = 0
        package var causes: [Cause: Int] = [:]

        package init(name: ProcessID.Name?, processes: Int = 0) {
            (self.name, self.processes) = (name, processes)
        }

        mutating func add(_ share: Share) {
            opened += share.opened
            failed += share.failed
            causes.merge(share.causes, uniquingKeysWith: +)
        }

        var calls: Int { opened + failed }

        /// Stands for all of them.
        package var anyProcess: ProcessID {
            name.map { ProcessID(pid: 0, name: $0) } ?? .unknown
        }
    }

    /// In the order in which they came.
    private var places: [Share] = []
    /// Those that have no place any more; one or none, in an array because a tuple of few processes then
    /// takes only a pointer for it.
    private var crowd: [Crowd] = []

    package init() {}

    static let capacity = 16
    /// The last to come keep their places, however little they have called so far.
    private static let newcomers = 4

    // MARK: Counting

    mutating func add(_ process: ProcessID, opened: Int = 0, failed: Int = 0) {
        if let index = places.firstIndex(where: { $0.process == process }) {
            places[index].opened += opened
            places[index].failed += failed
        } else {
            admit(Share(process: process, opened: opened, failed: failed))
        }
    }

    @inline(never)
    private mutating func admit(_ share: Share) {
        if places.count == Self.capacity {
            if crowd.isEmpty { crowd = [Crowd(places)] }
            guard !crowd[0].mayKnow(share.process) else { return crowd[0].add(share) }
            let settled = places.indices.dropLast(Self.newcomers)
            let least = settled.min { places[$0].calls < places[$1].calls } ?? 0
            crowd[0].displace(places.remove(at: least))
        }
        places.append(share)
    }

    /// Counts `count` of the failures with another cause; nil: none as yet.
    mutating func recount(
        _ process: ProcessID, from before: Cause?, to cause: Cause?, _ count: Int
    ) {
        if let index = places.firstIndex(where: { $0.process == process }) {
            places[index].causes.move(count, from: before, to: cause)
        } else if !crowd.isEmpty {
            crowd[0].recount(process, from: before, to: cause, count)
        }
    }

    // MARK: Results

    /// Those processes whose counts are known exactly, most calls first, at most 16.
    package var leading: [Share] {
        let single = crowd.first?.single(besides: places) ?? []
        return Array((places + single).sorted { $0.calls > $1.calls }.prefix(Self.capacity))
    }

    /// All calls by the names of their processes, most first, and what the other names have last.
    package var names: [NameShare] {
        var rows = crowd.first?.rows.map(\.share) ?? []
        var rowOf: [ProcessID.Name?: Int] = [:]
        for (index, row) in rows.enumerated() { rowOf[row.name] = index }
        for place in places {
            var index = rowOf[place.process.name] ?? (crowd.isEmpty ? nil : 0)
            if index == nil {
                index = rows.count
                rowOf[place.process.name] = index
                rows.append(NameShare(name: place.process.name))
            }
            guard let index else { continue }
            rows[index].processes = min(DistinctPIDs.more, rows[index].processes + 1)
            rows[index].add(place)
        }
        return rows.filter { $0.processes > 0 }.sorted {
            $0.name != nil && $1.name != nil ? $0.calls > $1.calls : $0.name != nil
        }
    }

    /// The name with the most calls, and the process where it is of one; nil without any.
    package var top: ProcessID? { Self.top(names, leading) }

    static func top(_ names: [NameShare], _ processes: [Share]) -> ProcessID? {
        // Older recordings have no names.
        guard let first = names.first else { return processes.first?.process }
        guard first.processes == 1 else { return first.anyProcess }
        return processes.first { $0.process.name == first.name }?.process ?? first.anyProcess
    }
}

extension [Cause: Int] {
    /// Counts as many with one cause less as with the other more; nil is no cause, and not counted.
    mutating func move(_ count: Int, from before: Cause?, to cause: Cause?) {
        if let before {
            let left = (self[before] ?? 0) - count
            self[before] = left > 0 ? left : nil
        }
        if let cause { self[cause, default: 0] += count }
    }
}
