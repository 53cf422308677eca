import Glibc
import LinuxSystem
import Synchronization

/// Holds threads back until all of them have been started: locked until then.
final class StartGate: Sendable {
    /// As `monotonicSeconds` has it; nil sends them away.
    let start = Mutex<Double?>(nil)
}

extension ConnectLoop {
    /// Connects from the opening of the gate until the end of the load.
    ///
    /// The attempts of all clients form one sequence, in which this client makes every n-th one:
    /// so destinations and times are spread evenly however many clients there are.
    ///
    /// - Parameter number: 0 ..< clients.
    /// - Returns: counts of this client, and the connections it has left open.
    func connect(asClient number: Int, from gate: StartGate) -> (LoadResult, [HeldSocket]) {
        var result = LoadResult()
        var held: [HeldSocket] = []
        guard let start = gate.start.withLock({ $0 }) else { return (result, held) }
        let deadline = start + (duration ?? .infinity)
        for attempt in stride(from: number, to: connections ?? .max, by: clients) {
            if let rate { sleep(until: min(deadline, start + Double(attempt) / rate)) }
            if monotonicSeconds() >= deadline { break }
            do throws(SystemError) {
                let destination = destinations[attempt % destinations.count]
                let socket = try TCPSocket(family: destination)
                try socket.connect(to: destination)
                result.opened += 1
                if hold { held.append(HeldSocket(socket)) }
            } catch {
                result.failed[error.errno, default: 0] += 1
            }
        }
        return (result, held)
    }
}

/// Seconds since an arbitrary start, on the clock that never jumps.
func monotonicSeconds() -> Double { Double(Clock.monotonic) / 1e9 }

/// Sleeps until that time; returns at once when it has passed.
func sleep(until seconds: Double) {
    let seconds = min(seconds, 1e9)
    let fraction = seconds.truncatingRemainder(dividingBy: 1)
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(fraction * 1e9))
    // SAFETY: the kernel reads the time, and returns an errno.
    while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
}
