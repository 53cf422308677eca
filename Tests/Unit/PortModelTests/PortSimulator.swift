import Glibc
import TestSupport

@testable import PortModel

/// A load against the kernel's rule for one tuple: a port is taken from connect() until its
/// connection is closed, and 60 s more if it was closed from here; with none free, connect() fails.
///
/// It counts ports one by one and knows nothing of rates, so it is what forecasts are held against.
struct PortSimulator {
    enum Pattern: Sendable {
        case even(rate: Double)
        case poisson(rate: Double)
        /// `count` connects, evenly over 50 ms, every `period` seconds.
        case bursts(count: Int, period: Double)
    }

    enum Lifetime: Sendable {
        case fixed(Double)
        case exponential(mean: Double)
        case upTo(Double)
        case endless
    }

    struct Load: Sendable {
        var pattern: Pattern
        var usable: Int
        var intoTimeWait = 1.0
        var lifetime = Lifetime.fixed(0)
        /// Seconds from a step's end to the first connect.
        var offset = 0.0
        /// Seconds for which a TIME_WAIT takes its port.
        var cost = 60.0
        /// TIME_WAITs at the start, whose ends are even over the next minute.
        var existing = 0
        var seed: UInt64 = 1
        /// What the pattern is from a moment on.
        var change: (at: Double, to: Pattern)?
    }

    struct Told {
        let time: Double
        let forecast: Forecast?
        let held: Int
        var exhaustedAt: Double? { forecast?.exhaustedIn.map { time + $0 } }
    }

    struct Outcome {
        /// When half of the ports were held.
        var half: Told?
        /// Whether any connection had been closed by then.
        var closedByHalf = false
        /// Connects until then.
        var openedByHalf = 0
        /// After each second.
        var seconds: [Told] = []
        var failedAt: Double?
        var steps = 0
    }

    private let load: Load
    private var generator: SeededGenerator
    private var closings = Heap()
    /// When TIME_WAITs end, in order.
    private var ends: [Double] = []
    private var ended = 0
    private var held = 0
    private var timeWait = 0
    private var opened = 0
    private var timeWaits = 0
    private var freed = 0
    private var since: Double?
    /// Of a TIME_WAIT, that the closes so far have left over.
    private var share = 0.0
    private var flow = RateHistory()
    private var outcome = Outcome()

    private init(_ load: Load) {
        self.load = load
        generator = SeededGenerator(state: load.seed)
    }

    /// - Parameter limit: seconds after which the load ends, if no connect() has failed.
    static func run(_ load: Load, for limit: Double) -> Outcome {
        var simulator = PortSimulator(load)
        simulator.run(until: limit)
        return simulator.outcome
    }

    private mutating func run(until limit: Double) {
        held = load.existing
        timeWait = load.existing
        ends = (0..<load.existing).map { 60 * (Double($0) + 1) / Double(load.existing) }
        var arrival = load.offset
        var number = 0
        var nextStep = 1.0
        while arrival < limit {
            while nextStep <= arrival {
                pass(until: nextStep)
                step(at: nextStep)
                nextStep += 1
            }
            pass(until: arrival)
            guard held < load.usable else {
                outcome.failedAt = arrival
                return
            }
            open(at: arrival)
            if outcome.half == nil, held * 2 >= load.usable {
                outcome.half = tell(at: arrival)
                outcome.openedByHalf = number + 1
                outcome.closedByHalf = !ends.isEmpty || closings.removed > 0
            }
            number += 1
            arrival = next(after: arrival, number)
        }
    }

    private mutating func open(at time: Double) {
        held += 1
        opened += 1
        since = since ?? time
        let lifetime: Double? =
            switch load.lifetime {
            case .fixed(let seconds): seconds
            case .exponential(let mean):
                -mean * log(Double.random(in: .ulpOfOne...1, using: &generator))
            case .upTo(let most): Double.random(in: 0...most, using: &generator)
            case .endless: nil
            }
        if let lifetime { closings.insert(time + lifetime) }
    }

    /// Closes, and ends TIME_WAITs, until `time`.
    private mutating func pass(until time: Double) {
        while true {
            let close = closings.first ?? .infinity
            let end = ended < ends.count ? ends[ended] : .infinity
            guard min(close, end) <= time else { return }
            if end <= close {
                ended += 1
                held -= 1
                timeWait -= 1
            } else {
                closings.removeFirst()
                since = since ?? close
                share += load.intoTimeWait
                if share >= 1 {
                    share -= 1
                    timeWait += 1
                    timeWaits += 1
                    insert(end: close + load.cost)
                } else {
                    held -= 1
                    freed += 1
                }
            }
        }
    }

    private mutating func insert(end: Double) {
        ends.append(end)
        var place = ends.count - 1
        while place > ended, ends[place - 1] > end {
            ends.swapAt(place, place - 1)
            place -= 1
        }
    }

    private mutating func step(at time: Double) {
        if opened + timeWaits + freed > 0 {
            flow.secondPassed(counted(until: time))
            outcome.steps += 1
        }
        (opened, timeWaits, freed, since) = (0, 0, 0, nil)
        outcome.seconds.append(tell(at: time))
    }

    private func counted(until time: Double) -> RateHistory.Step {
        RateHistory.Step(
            opened: opened, timeWaits: timeWaits, freed: freed,
            since: Self.nanoseconds(since ?? time), until: Self.nanoseconds(time))
    }

    private func tell(at time: Double) -> Told {
        let ports = PortUsage(held: held, timeWait: timeWait, usable: load.usable)
        let cost = UInt64(load.cost * 1e9)
        return Told(
            time: time,
            forecast: flow.forecast(ports, timeWaitCost: cost, with: counted(until: time)),
            held: held)
    }

    private static func nanoseconds(_ time: Double) -> UInt64 { UInt64((time + 1000) * 1e9) }

    private mutating func next(after time: Double, _ number: Int) -> Double {
        let pattern = load.change.map { time >= $0.at ? $0.to : load.pattern } ?? load.pattern
        switch pattern {
        case .even(let rate): return time + 1 / rate
        case .poisson(let rate):
            return time - log(Double.random(in: .ulpOfOne...1, using: &generator)) / rate
        case .bursts(let count, let period):
            let burst = Double(number / count) * period
            return load.offset + burst + 0.05 * Double(number % count) / Double(count)
        }
    }

    private struct Heap {
        private var times: [Double] = []
        private(set) var removed = 0

        var first: Double? { times.first }

        mutating func insert(_ time: Double) {
            times.append(time)
            var place = times.count - 1
            while place > 0, times[(place - 1) / 2] > times[place] {
                times.swapAt(place, (place - 1) / 2)
                place = (place - 1) / 2
            }
        }

        mutating func removeFirst() {
            removed += 1
            times.swapAt(0, times.count - 1)
            times.removeLast()
            var place = 0
            while 2 * place + 1 < times.count {
                var child = 2 * place + 1
                if child + 1 < times.count, times[child + 1] < times[child] { child += 1 }
                guard times[child] < times[place] else { return }
                times.swapAt(child, place)
                place = child
            }
        }
    }
}
