/// A tuple or a bind pool has crossed a threshold, or has recovered.
package struct Alert: Sendable {
    /// The threshold crossed, in percent of the usable ports; 0 when it has recovered.
    package var level: Int
    package var time: UInt64
    package var scope: PortScope
    package var usage: PortUsage
    /// Of a tuple, if it can be told.
    package var forecast: Forecast?
    /// Nanoseconds that connect() searched for a port there, on average of those that took long.
    package var longSearch: Double?

    package init(level: Int, time: UInt64, scope: PortScope, usage: PortUsage) {
        (self.level, self.time, self.scope, self.usage) = (level, time, scope, usage)
    }

    /// The used part of the usable ports, to one decimal, rounded down: 100 says that nothing is left.
    package var percent: Double { Double(usage.permille) / 10 }
}

/// Warns once when something crosses a threshold, and says once that it has recovered.
package struct AlertThresholds: Sendable {
    private let thresholds: [Int]
    /// The count of thresholds that each number has crossed since it last was below all of them.
    private var crossed: [UInt8] = []

    /// 50 %: from there on the kernel's search for a port takes about a hundred times longer,
    /// because it looks at one half of the range (by parity) before the other.
    package static let defaultThresholds = [50, 66, 90]

    /// - Parameter thresholds: percents from 1 to 100, at most 255 of them.
    package init(thresholds: [Int] = AlertThresholds.defaultThresholds) {
        self.thresholds = thresholds.sorted()
    }

    /// Call it whenever the tuple or bind pool with that number may hold more or less than before.
    ///
    /// - Returns: the threshold it has crossed, 0 if it has recovered, nil if there is nothing to say.
    package mutating func observe(_ number: Int, used: Int, usable: Int) -> Int? {
        guard let lowest = thresholds.first, usable > 0 else { return nil }
        while crossed.count <= number { crossed.append(0) }
        let before = Int(crossed[number])
        let filled = used * 100
        var now = before
        while now < thresholds.count, filled >= thresholds[now] * usable { now += 1 }
        // A tenth below the lowest threshold: a tuple that hovers there does not alternate.
        if before > 0, filled * 10 < lowest * 9 * usable { now = 0 }
        guard now != before else { return nil }
        crossed[number] = UInt8(now)
        return now == 0 ? 0 : thresholds[now - 1]
    }
}
