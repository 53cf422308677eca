import Glibc
import LinuxSystem

/// The work of one client of a `ConnectLoop`.
struct ClientThread: Sendable {
    /// Counts of a client, and the connections it has left open.
    struct Outcome: Sendable {
        var result = LoadResult()
        let held = HeldSockets()
    }

    let load: ConnectLoop

    /// 0 ..< load.clients.
    let number: Int

    /// Connects from the opening of the gate until the end of the load.
    ///
    /// The attempts of all clients form one sequence, in which this client makes every n-th one:
    /// so destinations and times are spread evenly however many clients there are.
    func run(from gate: StartGate) -> Outcome {
        var outcome = Outcome()
        guard let start = gate.pass() else { return outcome }
        let deadline = load.duration.map { start.advanced(bySeconds: $0) }
        var origin = start
        var slot = number
        for attempt in stride(from: number, to: load.connections ?? .max, by: load.clients) {
            if let rate = load.rate {
                let time = origin.advanced(bySeconds: Double(slot) / rate)
                (deadline.map { min($0, time) } ?? time).sleep()
                slot += load.clients
            }
            if let deadline, MonotonicTime.now() >= deadline { break }
            do throws(SystemError) {
                let destination = load.destinations[attempt % load.destinations.count]
                let socket = try TCPSocket(family: destination)
                try socket.connect(to: destination)
                outcome.result.opened += 1
                if load.hold {
                    outcome.held.keep(socket)
                } else if load.serverCloses {
                    try socket.waitForEnd()
                }
            } catch {
                outcome.result.failed[error.errno, default: 0] += 1
                if load.pauseAfterFailureMilliseconds > 0 {
                    let pause = Double(load.pauseAfterFailureMilliseconds) / 1000
                    let time = MonotonicTime.now().advanced(bySeconds: pause)
                    (deadline.map { min($0, time) } ?? time).sleep()
                    // The attempts missed meanwhile are not made up for in a burst.
                    origin = MonotonicTime.now()
                    slot = 0
                }
            }
        }
        return outcome
    }
}
