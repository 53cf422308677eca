import Glibc
import LinuxSystem
import PortModel

/// Holds each subject against nothing, under one running load: off, on, off, on.
struct Comparison {
    /// What the load has done in a while.
    struct Window {
        var connections: Double
        var seconds: Double
        /// Nanoseconds of CPU time: of the load, and of whom the kernel lets do its work.
        var cpu: Double
        /// Of the subject's own process.
        var own: Double
        /// Programs of others on the watched tracepoints.
        var foreign: Int

        var cost: Double { cpu / connections }
        var rate: Double { connections / seconds }
    }

    /// One subject against the mean of what was before and after it.
    struct Pair {
        /// Nanoseconds of CPU time a connection.
        let cost: Double
        let costPercent: Double
        let ratePercent: Double
        /// Of the subject's own process, a connection.
        let own: Double
    }

    struct Outcome {
        var pairs: [[Pair]]
        var bases: [Window] = []
        var dropped = 0
        var lost = 0
        var failures = 0
    }

    let window: UInt32
    private static let settle: UInt32 = 20
    /// Connections of a window at least, however busy the machine is: it is then longer.
    private static let sample = 2000
    private let counters: SharedCounters
    private let load: Spawned
    private let clocks: [clockid_t]

    /// Starts the load, and waits until it is steady.
    ///
    /// - Parameter window: milliseconds of each window.
    init(_ shape: SteadyLoad.Shape, window: UInt32) throws {
        self.window = window
        counters = try SharedCounters()
        var command = ["/proc/\(getpid())/exe", "load", "--shape", shape.rawValue]
        if shape == .oneThread {
            command =
                ["taskset", "--cpu-list", "\(sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1)"] + command
        }
        load = try Spawned(command, output: STDERR_FILENO, shared: counters.descriptor)
        clocks = [load.clock] + Self.softirqThreads
        sleep(3)
        guard !load.hasEnded, counters.sum(SharedCounters.connected) > 1000 else {
            throw SystemError("run the load", errno: ECHILD, remedy: "see above")
        }
    }

    /// The clocks of the threads that do the work of softirqs when there is much.
    private static var softirqThreads: [clockid_t] {
        let cpus = sysconf(Int32(_SC_NPROCESSORS_CONF))
        let names = Set((0..<cpus).map { ProcessID.Name("ksoftirqd/\($0)") })
        return ProcessList().processes.filter { names.contains($0.name) }
            .compactMap { processorClock(of: pid_t($0.pid)) }
    }

    /// Goes round the subjects in a new order each time, for so many seconds.
    func run(_ subjects: [Subject], seconds: Double) throws -> Outcome {
        var outcome = Outcome(pairs: subjects.map { _ in [] })
        let end = Double(Clock.monotonic) / 1e9 + seconds
        var before = measure(own: 0)
        var round = 0
        rounds: while true {
            for (index, subject) in subjects.enumerated().shuffled()
            where round % subject.every == index % subject.every {
                guard Double(Clock.monotonic) / 1e9 < end else { break rounds }
                let during = try measure(subject, &outcome)
                settle()
                let after = measure(own: 0)
                if before.foreign + during.foreign + after.foreign > 0 {
                    outcome.dropped += 1
                } else {
                    outcome.pairs[index].append(Self.pair(before, during, after))
                    outcome.bases.append(after)
                }
                before = after
                if load.hasEnded {
                    throw SystemError("run the load", errno: ECHILD, remedy: "see above")
                }
            }
            round += 1
        }
        outcome.failures = Int(counters[SharedCounters.failures])
        return outcome
    }

    private static func pair(_ before: Window, _ during: Window, _ after: Window) -> Pair {
        let cost = (before.cost + after.cost) / 2
        let rate = (before.rate + after.rate) / 2
        return Pair(
            cost: during.cost - cost, costPercent: (during.cost / cost - 1) * 100,
            ratePercent: (during.rate / rate - 1) * 100, own: during.own / during.connections)
    }

    private func measure(_ subject: Subject, _ outcome: inout Outcome) throws(SystemError) -> Window
    {
        switch subject.kind {
        case .hooks(let hooks):
            var links: [Attachment] = []
            for hook in hooks { links.append(try hook.set.attach(hook.program)) }
            settle()
            let during = measure(own: subject.watched ?? 0)
            withExtendedLifetime(links) {}
            return during
        case .command(let arguments, let start):
            let others = TracepointPrograms.count
            let tracer = try Tracer(arguments, start: start)
            pause(300, connections: Self.sample)
            let own = max(0, TracepointPrograms.count - others)
            let during = measure(own: own, tracer.process.clock, windows: 3)
            tracer.stop(others)
            if start == nil { outcome.lost += number(after: "records lost", in: tracer.text) ?? 0 }
            return during
        }
    }

    /// - Parameter own: programs on the watched tracepoints that are not foreign.
    /// - Parameter clock: of the subject's process.
    private func measure(own: Int, _ clock: clockid_t? = nil, windows: UInt32 = 1) -> Window {
        let foreign = TracepointPrograms.count - own
        let connections = counters.sum(SharedCounters.connected)
        let cpu = clocks.map(Self.nanoseconds)
        let start = Clock.monotonic
        let ownStart = clock.map(Self.nanoseconds) ?? 0
        pause(window * windows, connections: Self.sample)
        let seconds = Double(Clock.monotonic - start) / 1e9
        let spent = zip(clocks, cpu).map { Self.nanoseconds($0) - $1 }
        let made = counters.sum(SharedCounters.connected) - connections
        let ownSpent = (clock.map(Self.nanoseconds) ?? 0) - ownStart
        return Window(
            connections: max(1, Double(made)), seconds: seconds, cpu: spent.reduce(0, +),
            own: ownSpent, foreign: max(0, foreign) + max(0, TracepointPrograms.count - own))
    }

    /// From here on each TIME_WAIT that ends is one that was seen to begin.
    private func settle() { pause(Self.settle, connections: Int(SteadyLoad.ports)) }

    /// - Parameter connections: to be made meanwhile, within a second.
    private func pause(_ milliseconds: UInt32, connections: Int) {
        let end = counters.sum(SharedCounters.connected) + UInt64(connections)
        usleep(milliseconds * 1000)
        for _ in 0..<200 where counters.sum(SharedCounters.connected) < end { usleep(5000) }
    }

    private static func nanoseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        // SAFETY: the C library writes `time` and nothing else; it stays 0 for who has ended.
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
