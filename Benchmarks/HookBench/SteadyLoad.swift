import ArgumentParser
import Glibc
import LinuxSystem
import LoadGenerator

/// Connections over loopback, without end and without data, in a steady state in which each leaves a
/// TIME_WAIT and ends another one: a small range of ports that are used again after a millisecond.
///
/// The table of TIME_WAITs turns over within 1,024 connections: what was attached that many ago meets
/// only those that it has seen begin.
struct SteadyLoad {
    enum Shape: String, CaseIterable, ExpressibleByArgument {
        /// One thread is both ends: no change of context, and no second CPU.
        case oneThread = "1T"
        /// Four clients and two threads of a server, on all CPUs.
        case allCPUs = "all"

        var description: String {
            switch self {
            case .oneThread: "1T: one pinned thread, both ends"
            case .allCPUs: "all CPUs: 4 client, 2 server threads"
            }
        }
    }

    private let endpoint: Endpoint
    private let counters: SharedCounters

    /// Of these, connect() uses one half at first.
    static let ports: UInt16 = 2048
    private static let clients = 4
    private static let servers = 2
    /// Connections that wait to be accepted, at most.
    private static let waiting: UInt64 = 256

    /// Moves the calling thread to a network namespace of its own. Needs Linux 6.14, as before it a
    /// second must pass until a TIME_WAIT is used again.
    init(_ counters: SharedCounters, ports: UInt16 = Self.ports) throws {
        var settings = ConnectLoop.fastSettings
        settings["ipv4/ip_local_port_range"] = "1024 \(1023 + ports)"
        settings["ipv4/tcp_tw_reuse"] = "1"
        settings["ipv4/tcp_tw_reuse_delay"] = "1"
        try PrivateNamespace.enter(settings: settings)
        endpoint = try Endpoint("127.0.0.1", port: 900)
        self.counters = counters
    }

    /// Listens, for this load's clients.
    func listener() throws(SystemError) -> TCPSocket {
        let listener = try TCPSocket(family: endpoint)
        try listener.bind(to: endpoint, reuseAddress: true)
        try listener.listen(backlog: 4096)
        return listener
    }

    /// Does what both ends of one connection do: socket, connect, accept, close, read, close.
    func connectOnce(_ listener: borrowing TCPSocket) {
        do throws(SystemError) {
            let client = try TCPSocket(family: endpoint)
            try client.connect(to: endpoint)
            let server = try listener.accept()
            try client.close()
            try server.waitForEnd()
            try server.close()
            counters.increment(0)
        } catch {
            counters.increment(SharedCounters.failures)
        }
    }

    /// Returns only if something goes wrong.
    func run(_ shape: Shape) throws {
        let listener = try listener()
        switch shape {
        case .oneThread: while true { connectOnce(listener) }
        case .allCPUs: try runThreads(Listener(socket: listener))
        }
    }

    private final class Listener: Sendable {
        let socket: TCPSocket
        init(socket: consuming TCPSocket) { self.socket = socket }
    }

    private func runThreads(_ listener: Listener) throws(SystemError) {
        var threads: [Thread<Void>] = []
        for number in 0..<Self.servers {
            threads.append(
                try Thread { serve(listener, SharedCounters.accepted.lowerBound + number) })
        }
        for number in 0..<Self.clients { threads.append(try Thread { connect(number) }) }
        for thread in threads { thread.join() }
    }

    private func serve(_ listener: Listener, _ counter: Int) {
        while true {
            do throws(SystemError) {
                let server = try listener.socket.accept()
                counters.increment(counter)
                try server.waitForEnd()
            } catch {
                // The client has counted it.
            }
        }
    }

    private func connect(_ counter: Int) {
        while true {
            for _ in 0..<16 {
                do throws(SystemError) {
                    let client = try TCPSocket(family: endpoint)
                    try client.connect(to: endpoint)
                    counters.increment(counter)
                } catch {
                    counters.increment(SharedCounters.failures)
                }
            }
            while counters.sum(SharedCounters.connected)
                > counters.sum(SharedCounters.accepted) + Self.waiting
            {
                sched_yield()
            }
        }
    }
}
