/// The processes that opened most connections of a tuple, or failed to, in bounded space: when it
/// is full, a newcomer takes the place and the count of the least (the Space-Saving algorithm), so
/// a process with more than a sixteenth of all is never missed.
package struct TopProcesses: Sendable {
    package struct Share: Hashable, Sendable {
        package var process: ProcessID
        package var opened: Int
        package var failed: Int
        /// Of `failed`, those whose cause has been told.
        package var causes: [Cause: Int] = [:]

        package init(process: ProcessID, opened: Int, failed: Int) {
            self.process = process
            self.opened = opened
            self.failed = failed
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

    /// What kept a process from a port, `count` times that have been added before.
    mutating func add(_ process: ProcessID, _ cause: Cause, _ count: Int) {
        guard let index = shares.firstIndex(where: { $0.process == process }) else { return }
        shares[index].causes[cause, default: 0] += count
    }

    /// Most connects first.
    package var leading: [Share] { shares.sorted { $0.opened + $0.failed > $1.opened + $1.failed } }

    /// The process with the most connects, failed ones included.
    package var top: ProcessID? {
        shares.max { $0.opened + $0.failed < $1.opened + $1.failed }?.process
    }
}
