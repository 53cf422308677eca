/// The processes that opened most connections of a tuple, or failed to, in bounded space: when it
/// is full, a newcomer takes the place and the count of the least (the Space-Saving algorithm), so
/// a process with more than a sixteenth of all is never missed.
package struct TopProcesses: Sendable {
    package struct Share: Hashable, Sendable {
        package var process: ProcessID
        package var opened: Int
        package var failed: Int
        /// How many of `failed` have which cause, as far as it is known.
        package var causes: [Cause: Int] = [:]

        package init(process: ProcessID, opened: Int, failed: Int) {
            (self.process, self.opened, self.failed) = (process, opened, failed)
        }
    }

    package private(set) var shares: [Share] = []

    package init() {}

    private static let capacity = 16

    mutating func add(_ process: ProcessID, opened: Int = 0, failed: Int = 0) {
        if let index = shares.firstIndex(where: { $0.process == process }) {
            shares[index].opened += opened
            shares[index].failed += failed
        } else if shares.count < Self.capacity {
            shares.append(Share(process: process, opened: opened, failed: failed))
        } else if let least = shares.indices.min(by: {
            shares[$0].opened + shares[$0].failed < shares[$1].opened + shares[$1].failed
        }) {
            shares[least].process = process
            shares[least].opened += opened
            shares[least].failed += failed
            shares[least].causes = [:]
        }
    }

    /// Counts `count` of the failures with another cause; nil: none as yet.
    mutating func recount(
        _ process: ProcessID, from before: Cause?, to cause: Cause?, _ count: Int
    ) {
        guard let index = shares.firstIndex(where: { $0.process == process }) else { return }
        shares[index].causes.move(count, from: before, to: cause)
    }

    package var leading: [Share] { shares.sorted { $0.opened + $0.failed > $1.opened + $1.failed } }

    /// The process with the most connects, failed ones included.
    package var top: ProcessID? { leading.first?.process }
}

extension [Cause: Int] {
    /// Counts as many with one cause less as with the other more; nil is no cause, and not counted.
    mutating func move(_ count: Int, from before: Cause?, to cause: Cause?) {
        var count = count
        if let before {
            // The counts of a process are gone once another has taken its place.
            let counted = self[before] ?? 0
            count = Swift.min(count, counted)
            self[before] = counted > count ? counted - count : nil
        }
        if let cause, count > 0 { self[cause, default: 0] += count }
    }
}
