/// Distinct processes by their ids: exact up to a thousand, then only known to be more.
package struct DistinctPIDs: Sendable {
    /// In ascending order.
    private var pids: [UInt32] = []
    /// More have come than there is room for.
    private(set) var isFull = false

    package static let limit = 1000
    /// Stands for every count above `limit`.
    package static let more = limit + 1

    /// At most `more`.
    var count: Int { isFull ? Self.more : pids.count }

    /// The only one; nil if there are several.
    var only: UInt32? { !isFull && pids.count == 1 ? pids[0] : nil }

    func contains(_ pid: UInt32) -> Bool {
        let place = place(of: pid)
        return place < pids.count && pids[place] == pid
    }

    /// - Returns: false if there is no room for it.
    @discardableResult
    mutating func insert(_ pid: UInt32) -> Bool {
        let place = place(of: pid)
        if place < pids.count, pids[place] == pid { return true }
        guard pids.count < Self.limit else {
            isFull = true
            return false
        }
        pids.insert(pid, at: place)
        return true
    }

    private func place(of pid: UInt32) -> Int {
        var (low, high) = (0, pids.count)
        while low < high {
            let middle = (low + high) / 2
            if pids[middle] < pid { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
