import PortModel

/// All there is to show of one moment, the end of a second.
struct TopPicture: Sendable {
    /// The tuples and bind pools that hold something, open something or have failed; in no order.
    private(set) var rows: [TopRow] = []
    /// The past of tuples, by their places in the ledger, and of bind pools.
    private(set) var history = TopHistory()
    private(set) var poolHistory = TopHistory()
    private(set) var totals = Totals()
    private(set) var accuracy = Accuracy()
    /// Nanoseconds since the start.
    private(set) var elapsed: UInt64 = 0

    private let start: UInt64
    private var last: UInt64
    private var poolFailures: [BindPool.Key: Int] = [:]

    struct Totals: Hashable, Sendable {
        var tuples = 0
        var held = 0
        var timeWait = 0
        var failed = 0
        /// A second, as all rates.
        var opened = 0.0
        var failedPerSecond = 0.0
    }

    /// - Parameter start: CLOCK_MONOTONIC nanoseconds, as all times.
    init(start: UInt64) {
        self.start = start
        last = start
    }

    /// - Parameter ticks: the tuples in which anything changed since the last call.
    mutating func secondPassed(
        at now: UInt64, _ ledger: Ledger, _ ticks: [Tick], _ accuracy: Accuracy
    ) {
        let seconds = max(Double(now &- last) / 1e9, 0.001)
        self.accuracy = accuracy
        elapsed = now &- start
        last = now
        totals = Totals()
        rows.removeAll(keepingCapacity: true)
        history.beginSecond()
        poolHistory.beginSecond()
        takeTuples(of: ledger, ticks, seconds)
        takePools(of: ledger, seconds)
    }

    private mutating func takeTuples(of ledger: Ledger, _ ticks: [Tick], _ seconds: Double) {
        var tickOf = [Int32](repeating: -1, count: ledger.tuples.endIndex)
        for (number, tick) in ticks.enumerated() { tickOf[tick.place] = Int32(number) }
        for place in ledger.tuples.places {
            let failed = ledger.tuples[place].totals.failed
            let usage = ledger.usage(of: place)
            let tick = tickOf[place]
            guard usage.held > 0 || failed > 0 || tick >= 0 else { continue }
            let scope = PortScope.tuple(ledger.tuples[place].tuple)
            var row = TopRow(scope: scope, number: place, usage: usage, opened: 0, failed: failed)
            if tick >= 0 {
                let tick = ticks[Int(tick)]
                row.opened = Double(tick.since.opened) / seconds
                row.failedPerSecond = Double(tick.since.failed) / seconds
                row.forecast = tick.forecast
            }
            totals.tuples += 1
            totals.held += usage.held
            totals.timeWait += usage.timeWait
            totals.opened += row.opened ?? 0
            add(row)
            history.note(usage, of: scope, number: place)
        }
    }

    private mutating func takePools(of ledger: Ledger, _ seconds: Double) {
        poolFailures = poolFailures.filter { ledger.bindPools[$0.key] != nil }
        for (key, pool) in ledger.bindPools where pool.used > 0 || pool.failed > 0 {
            var row = TopRow(
                scope: .bindPool(key), number: pool.number, usage: pool.usage, failed: pool.failed)
            let before = poolFailures.updateValue(pool.failed, forKey: key) ?? 0
            row.failedPerSecond = Double(pool.failed - before) / seconds
            add(row)
            poolHistory.note(pool.usage, of: row.scope, number: Self.ring(row))
        }
    }

    private mutating func add(_ row: TopRow) {
        totals.failed += row.failed
        totals.failedPerSecond += row.failedPerSecond
        rows.append(row)
    }

    /// Pools come and go, and their numbers only grow.
    private static func ring(_ row: TopRow) -> Int { row.number % 1024 }

    /// Returns how full it was in the last seconds, from 0 to 255; the oldest first.
    func history(of row: TopRow, last count: Int) -> [UInt8] {
        switch row.scope {
        case .tuple: history.last(count, of: row.scope, number: row.number)
        case .bindPool: poolHistory.last(count, of: row.scope, number: Self.ring(row))
        }
    }
}
