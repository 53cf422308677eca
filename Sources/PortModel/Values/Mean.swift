/// A mean, and the greatest.
package struct Mean: Hashable, Sendable {
    package private(set) var count = 0
    package private(set) var total: UInt64 = 0
    package private(set) var greatest: UInt64 = 0

    package init() {}

    package mutating func add(_ value: UInt64) {
        count += 1
        total &+= value
        greatest = max(greatest, value)
    }

    package var mean: Double? { count == 0 ? nil : Double(total) / Double(count) }

    /// The mean of the values added since it was `before`; nil if none was.
    func mean(since before: Mean) -> UInt64? {
        count == before.count
            ? nil : (total &- before.total) / UInt64(clamping: count - before.count)
    }
}
