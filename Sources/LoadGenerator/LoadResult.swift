/// Counts of a load.
package struct LoadResult: Sendable, Equatable {
    /// Connections that were established.
    package var opened = 0

    /// Failures by errno; a connection that was established and then ended in an error counts here
    /// as well as in `opened`.
    package var failed: [Int32: Int] = [:]

    /// From the first attempt to the last, on the monotonic clock.
    package var seconds = 0.0

    /// Connections established in each second; 0 when no time has passed.
    package var connectionsPerSecond: Double {
        seconds > 0 ? Double(opened) / seconds : 0
    }

    /// Adds the counts of another client of the same load.
    mutating func add(_ other: LoadResult) {
        opened += other.opened
        failed.merge(other.failed, uniquingKeysWith: +)
    }
}
