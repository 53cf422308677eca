import TestSupport
import Testing

@testable import PortModel

/// What is forecast when half of the ports are held, against when connect() really fails.
@Suite struct ForecastTests {
    typealias Load = PortSimulator.Load

    static let rates: [Double] = [5, 12, 40, 170, 600, 1100, 4000, 13_000, 40_000, 50_000]
    static let offsets = [0, 0.1, 0.37, 0.5, 0.82, 0.97]

    /// The figures are printed: how good is worth knowing, not only whether it is good enough.
    struct Worst {
        var error = 0.0
        var cases = 0
        private var load: Load?

        mutating func add(_ error: Double, _ load: Load) {
            cases += 1
            if error > self.error { (self.error, self.load) = (error, load) }
        }

        func report(_ name: String) {
            print("\(name): \(error) at worst, of \(cases)", load.map { "\($0)" } ?? "")
        }
    }

    /// The error of the time that is left, as a share of it.
    private func error(_ outcome: PortSimulator.Outcome) -> Double? {
        guard let half = outcome.half, let real = outcome.failedAt else { return nil }
        guard let told = half.exhaustedAt else { return .infinity }
        return abs(told - real) / (real - half.time)
    }

    @Test(arguments: [64, 300, 1000, 5000, 28_232, 64_512])
    func constantRates(usable: Int) {
        var worst = Worst()
        for rate in Self.rates where rate * 60 > Double(usable) * 1.02 {
            for offset in usable > 5000 ? [0.37] : Self.offsets {
                let load = Load(pattern: .even(rate: rate), usable: usable, offset: offset)
                guard let error = error(PortSimulator.run(load, for: 62)) else { continue }
                worst.add(error, load)
            }
        }
        worst.report("constant, \(usable) ports")
        #expect(worst.error < 0.1)
    }

    /// Chance moves the moment itself: n arrivals vary by √n before the mark and again after it.
    @Test(arguments: [64, 1000, 5000, 28_232])
    func randomArrivals(usable: Int) {
        var worst = Worst()
        for rate in Self.rates where rate * 60 > Double(usable) * 1.1 {
            for seed in SeededGenerator.seeds(usable > 5000 ? 1 : 8) {
                let load = Load(
                    pattern: .poisson(rate: rate), usable: usable, offset: 0.37, seed: seed)
                let outcome = PortSimulator.run(load, for: 62)
                guard let half = outcome.half, let real = outcome.failedAt else { continue }
                let told = half.exhaustedAt ?? .infinity
                worst.add(abs(told - real) / (max(told, real) - half.time), load)
            }
        }
        worst.report("random, \(usable) ports")
        #expect(worst.error < 0.05 + 2.8 * (4 / Double(usable)).squareRoot())
    }

    static let lifetimes: [PortSimulator.Lifetime] = [
        .fixed(0.05), .fixed(0.5), .fixed(2), .fixed(5), .upTo(1), .upTo(10),
        .exponential(mean: 0.5), .exponential(mean: 5),
    ]

    /// From five lifetimes on; before, nobody can know how many will be closed, and what is forecast
    /// must not come too late.
    @Test(arguments: lifetimes) func lifetimesAndClosesFromTheOtherSide(
        lifetime: PortSimulator.Lifetime
    ) {
        let mean =
            switch lifetime {
            case .fixed(let seconds), .exponential(let seconds): seconds
            case .upTo(let most): most / 2
            case .endless: 0.0
            }
        var worst = Worst()
        var worstEarly = Worst()
        for usable in [300, 1000, 5000] {
            for share in [0, 0.2, 0.5, 0.8, 1] {
                for rate in Self.rates + [22, 32, 110, 160]
                where rate * (mean + 60 * share) > Double(usable) * 1.1 && rate <= 4000 {
                    let load = Load(
                        pattern: .even(rate: rate), usable: usable, intoTimeWait: share,
                        lifetime: lifetime, offset: 0.37)
                    let outcome = PortSimulator.run(load, for: 75)
                    guard let error = error(outcome), let half = outcome.half else { continue }
                    if half.time > 5 * mean + 0.37 {
                        worst.add(error, load)
                    } else if let real = outcome.failedAt {
                        let told = half.exhaustedAt ?? .infinity
                        worstEarly.add((told - real) / (real - half.time), load)
                    }
                }
            }
        }
        worst.report("lifetime \(lifetime)")
        worstEarly.report("too late, before five lifetimes \(lifetime)")
        #expect(worst.cases > 0)
        #expect(worst.error < 0.1)
        #expect(worstEarly.error < 0.1)
    }

    /// The last burst fails as a whole or in part: nearer than a period no forecast can be.
    @Test(arguments: [1, 2, 5, 7] as [Double]) func bursts(period: Double) {
        var worst = Worst()
        var steadiness = Worst()
        for count in [500, 2000, 5000] {
            for offset in Self.offsets {
                let rate = Double(count) / period
                guard rate * 50 > 5000 else { continue }
                let usable = min(28_232, Int(rate * 50))
                let load = Load(
                    pattern: .bursts(count: count, period: period), usable: usable,
                    offset: offset)
                let outcome = PortSimulator.run(load, for: 70)
                let real = outcome.failedAt ?? 0
                if let half = outcome.half, half.time > 2.5 * period + offset {
                    let told = half.exhaustedAt ?? .infinity
                    worst.add(abs(told - real) / period, load)
                }
                let told = outcome.seconds.filter { $0.time > 2.2 * period + offset }
                    .compactMap(\.exhaustedAt)
                guard let first = told.min(), let last = told.max() else { continue }
                steadiness.add((last - first) / (real - offset), load)
            }
        }
        worst.report("periods, bursts each \(period) s")
        steadiness.report("largest distance of two forecasts, bursts each \(period) s")
        #expect(worst.cases > 0)
        #expect(worst.error <= 1)
        #expect(steadiness.error < 0.15)
    }

    @Test(
        arguments: [
            .even(rate: 440), .poisson(rate: 440), .bursts(count: 440, period: 1),
            .bursts(count: 2100, period: 5),
        ] as [PortSimulator.Pattern])
    func plateaus(pattern: PortSimulator.Pattern) {
        for share in [0.5, 1] {
            let load = Load(
                pattern: pattern, usable: 28_232, intoTimeWait: share, lifetime: .fixed(0.2),
                offset: 0.37, seed: 3)
            let outcome = PortSimulator.run(load, for: 130)
            #expect(outcome.failedAt == nil)
            for told in outcome.seconds where told.time > 12 {
                #expect(told.forecast?.exhaustedIn == nil, "\(told)")
                let level = Double(told.forecast?.levelsOffAt ?? 0)
                #expect(abs(level / (420 * 60 * share) - 1) < 0.12, "\(told)")
            }
        }
    }

    /// What was there before the tracer ends evenly over its first minute.
    @Test func timeWaitsFromBefore() {
        let load = Load(pattern: .even(rate: 600), usable: 28_232, offset: 0.37, existing: 9000)
        let outcome = PortSimulator.run(load, for: 75)
        let real = outcome.failedAt ?? 0
        #expect(real > 20)
        let early = outcome.seconds.first { $0.time == 5 }?.exhaustedAt ?? 0
        #expect(abs(early - real) < real / 50)
        #expect(error(outcome) ?? 1 < 0.05)
    }

    /// With tcp_tw_reuse a TIME_WAIT takes its port for the delay only.
    @Test func reuse() {
        for rate in [4000, 20_000, 40_000] as [Double] {
            let load = Load(pattern: .even(rate: rate), usable: 28_232, offset: 0.37, cost: 1)
            let outcome = PortSimulator.run(load, for: 8)
            if rate > 28_232 {
                #expect(error(outcome) ?? 1 < 0.1)
            } else {
                #expect(outcome.failedAt == nil)
                for told in outcome.seconds where told.time > 1 {
                    #expect(told.forecast?.exhaustedIn == nil, "\(told)")
                    #expect(abs((told.forecast?.sustainable ?? 0) - 28_232) < 300, "\(told)")
                }
            }
        }
    }

    @Test func connectionsThatAreNeverClosed() {
        let load = Load(
            pattern: .even(rate: 12), usable: 1000, lifetime: .endless, offset: 0.37)
        let outcome = PortSimulator.run(load, for: 100)
        #expect(error(outcome) ?? 1 < 0.02)
        #expect(outcome.half?.forecast?.sustainable == nil)
    }

    @Test func aLoadThatChanges() {
        let load = Load(
            pattern: .even(rate: 50), usable: 28_232, offset: 0.37,
            change: (at: 20.4, to: .even(rate: 2000)))
        let outcome = PortSimulator.run(load, for: 60)
        let real = outcome.failedAt ?? 0
        #expect(real > 30)
        for told in outcome.seconds where told.time >= 22 {
            #expect(abs((told.exhaustedAt ?? 0) - real) < 0.1 * (real - 20.4), "\(told)")
        }
    }

    @Test func sustainableIsUsableByTheMinute() {
        let load = Load(pattern: .even(rate: 100), usable: 28_232, offset: 0.37)
        let forecast = PortSimulator.run(load, for: 20).seconds.last?.forecast
        #expect(abs((forecast?.sustainable ?? 0) - 470.5) < 0.1)
        #expect(forecast?.intoTimeWait == 1)
        #expect(abs((forecast?.opensPerSecond ?? 0) - 100) < 1)
        #expect(abs((forecast?.netPerSecond ?? 0) - 100) < 1)
        let half = Load(
            pattern: .even(rate: 100), usable: 28_232, intoTimeWait: 0.5, lifetime: .fixed(2),
            offset: 0.37)
        let other = PortSimulator.run(half, for: 40).seconds.last?.forecast
        #expect(abs((other?.sustainable ?? 0) - 28_232 / 32) < 9)
    }

    @Test func noneWithoutALoad() {
        var flow = RateHistory()
        let ports = PortUsage(held: 32, timeWait: 32, usable: 64)
        let second: UInt64 = 1_000_000_000
        #expect(flow.forecast(ports, with: RateHistory.Step(until: second)) == nil)
        flow.secondPassed(
            RateHistory.Step(opened: 32, timeWaits: 32, freed: 0, since: second, until: 2 * second))
        #expect(flow.forecast(ports, with: RateHistory.Step(until: 2 * second)) != nil)
        #expect(flow.forecast(ports, with: RateHistory.Step(until: 20 * second)) == nil)
        #expect(flow.forecast(ports, with: RateHistory.Step(until: 5000 * second)) == nil)
    }

    @Test func exhaustedIsNow() {
        let step = RateHistory.Step(
            opened: 64, timeWaits: 64, freed: 0, since: 500_000_000, until: 1_000_000_000)
        let forecast = RateHistory().forecast(
            PortUsage(held: 64, timeWait: 64, usable: 64), with: step)
        #expect(forecast?.exhaustedIn == 0)
    }

    /// A tracer that was stopped counts several seconds in one step.
    @Test func aStepOfManySecondsIsSpread() {
        var flow = RateHistory()
        let second: UInt64 = 1_000_000_000
        var now = 1000 * second
        for step in [1, 1, 1, 1, 10, 1] as [UInt64] {
            let count = Int(step) * 500
            flow.secondPassed(
                RateHistory.Step(
                    opened: count, timeWaits: count, freed: 0, since: now + 1_000_000,
                    until: now + step * second))
            now += step * second
        }
        let forecast = flow.forecast(
            PortUsage(held: 7500, timeWait: 7500, usable: 28_232),
            with: RateHistory.Step(until: now))
        #expect(abs((forecast?.opensPerSecond ?? 0) - 500) < 5)
        #expect(abs((forecast?.exhaustedIn ?? 0) - 20_732.0 / 500) < 1)
    }

    /// Absurd counts, times that go back, rings that wrap: no trap, and nothing that is no number.
    @Test(arguments: SeededGenerator.seeds(20)) func anythingMayCome(seed: UInt64) {
        var generator = SeededGenerator(state: seed)
        let extremes = [0, 0, 1, 5, 100, 65_535, 1_000_000, -1, Int(Int32.max)]
        let leaps: [UInt64] = [0, 1, 1000, 1_000_000_000, 999_000_000, 90_000_000_000, 1 << 50]
        func any() -> Int { extremes.randomElement(using: &generator) ?? 0 }
        var flow = RateHistory()
        var now: UInt64 = 1 << 40
        for _ in 0..<400 {
            let before = now
            now &+= leaps.randomElement(using: &generator) ?? 0
            if generator.chance(20) { now = now / 2 }
            let step = RateHistory.Step(
                opened: any(), timeWaits: any(), freed: any(),
                since: generator.chance(2) ? before : now, until: now)
            if generator.chance(2) { flow.secondPassed(step) }
            let ports = PortUsage(
                held: any(), timeWait: any(), reusable: any(), outsidePool: any(), usable: any())
            let cost = leaps.randomElement(using: &generator) ?? 0
            guard let forecast = flow.forecast(ports, timeWaitCost: cost, with: step) else {
                continue
            }
            #expect(forecast.opensPerSecond.isFinite && forecast.netPerSecond.isFinite)
            #expect((forecast.exhaustedIn ?? 0).isFinite && (forecast.exhaustedIn ?? 0) >= 0)
            #expect((forecast.sustainable ?? 0) >= 0 && (forecast.sustainable ?? 0).isFinite)
            #expect((0...1).contains(forecast.intoTimeWait ?? 0))
        }
    }
}
