/// A tuple has crossed a threshold, or has recovered.
package struct Alert: Sendable {
    /// The threshold crossed, in percent of the usable ports; 0 when the tuple has recovered.
    package let level: Int
    package let time: UInt64
    package let tuple: Tuple
    package let held: Int
    package let usable: Int

    package init(level: Int, _ change: Change) {
        self.level = level
        time = change.time
        tuple = change.tuple
        held = change.held
        usable = change.usable
    }

    /// To one decimal, rounded down: 100 says that nothing is left.
    package var percent: Double { Double(held * 1000 / max(1, usable)) / 10 }
}

/// Warns once when a tuple crosses a threshold, and says once that it has recovered.
package struct Watch: Sendable {
    private let thresholds: [Int]
    /// By account: how many of the thresholds it has crossed since it last was below all of them.
    private var crossed: [UInt8] = []

    /// 50 %: from there on the kernel's search for a port takes about a hundred times longer,
    /// because it looks at one half of the range (by parity) before the other.
    package static let defaultThresholds = [50, 66, 90]

    /// - Parameter thresholds: percents from 1 to 100, at most 255 of them.
    package init(thresholds: [Int] = Watch.defaultThresholds) {
        self.thresholds = thresholds.sorted()
    }

    /// To be called whenever a tuple may hold more or less than before.
    ///
    /// - Returns: the threshold it has crossed, 0 if it has recovered, nil if there is nothing to say.
    package mutating func observe(account: Int, held: Int, usable: Int) -> Int? {
        guard let lowest = thresholds.first, usable > 0 else { return nil }
        while crossed.count <= account { crossed.append(0) }
        let before = Int(crossed[account])
        let filled = held * 100
        var now = before
        while now < thresholds.count, filled >= thresholds[now] * usable { now += 1 }
        // A tenth below the lowest threshold: a tuple that hovers there does not alternate.
        if before > 0, filled * 10 < lowest * 9 * usable { now = 0 }
        guard now != before else { return nil }
        crossed[account] = UInt8(now)
        return now == 0 ? 0 : thresholds[now - 1]
    }
}
