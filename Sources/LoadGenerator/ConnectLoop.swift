import Glibc
import LinuxSystem
import Synchronization

/// A load of outgoing TCP connections, each opened and closed again without data.
///
/// The client closes first, so that its port goes to TIME_WAIT, and both sides end with FIN. One
/// destination is good for about half of the ephemeral ports each minute: beyond, the kernel's
/// search for a free port gets slow.
///
/// The highest rate takes a private namespace with `fastSettings`, 64 destinations or more made by
/// `Endpoint.loopback(count:port:)`, and twice as many clients as server threads. When the two
/// ends run on different CPUs, the kernel itself answers some of the last segments with an RST,
/// which ends the TIME_WAIT: for up to 2 % of the connections, fewest with that number of threads.
package struct ConnectLoop: Sendable {
    /// Settings for a `PrivateNamespace` in which nothing but the CPU limits the rate: all
    /// unprivileged ports, no limit on TIME_WAITs, and room for connections not yet accepted (a
    /// full queue drops SYNs, and each of those costs its client a second). An RST does not end a
    /// TIME_WAIT there, so that each connection leaves one.
    package static let fastSettings = [
        "ipv4/ip_local_port_range": "1024 65535",
        "ipv4/tcp_max_tw_buckets": "4000000",
        "ipv4/tcp_rfc1337": "1",
        "core/somaxconn": "65535",
    ]

    /// Endpoints to connect to, in turn; at least one.
    package var destinations: [Endpoint]

    /// Threads that connect, at least 1.
    package var clients = 1

    /// Threads that accept, for each listener, at least 1.
    package var serverThreads = 2

    /// Seconds after which the clients stop; nil for no limit in time.
    package var duration: Double?

    /// Attempts, failed ones included, after which the clients stop; nil for no limit in number.
    package var connections: Int?

    /// Attempts in each second, of all clients together; nil for as many as possible.
    package var rate: Double?

    /// Keeps every connection open to the end of `run`, in place of closing it.
    package var hold = false

    /// Accepts the connections as well; else something else must listen at the destinations.
    package var startServers = true

    package init(destinations: [Endpoint]) {
        self.destinations = destinations
    }

    /// Runs the load to its end; without `duration` and `connections` it has none.
    ///
    /// With `hold`, calls `whileHeld` once the clients have stopped, with every connection still
    /// open: they are closed when it returns. The open file limit of the process is raised for it,
    /// to two files for each of `connections`, or one without `startServers`; throws EPERM when
    /// that is more than this user may have.
    ///
    /// Failed connections are counted, not thrown. Throws a SystemError when a value is out of
    /// range (EINVAL), a listener or a thread cannot be started or a server stopped early, and what
    /// `whileHeld` throws. All threads have ended when this returns.
    package func run(whileHeld: (LoadResult) throws -> Void = { _ in }) throws -> LoadResult {
        try check()
        if hold {
            // The ends of each connection, and what else the process has open.
            try OpenFileLimit.raise(toHold: (connections ?? 0) * (startServers ? 2 : 1) + 256)
        }
        let servers = try startServers ? makeServers() : []
        let outcome = Result { try connectAndHold(whileHeld) }
        try stop(servers)
        return try outcome.get()
    }

    private func check() throws(SystemError) {
        func require(_ condition: Bool, _ text: String) throws(SystemError) {
            if !condition { throw SystemError("load \(text)", errno: EINVAL) }
        }
        try require(!destinations.isEmpty, "destinations")
        try require(clients >= 1 && clients <= 1000, "clients")
        try require(serverThreads >= 1 && serverThreads <= 1000, "serverThreads")
        try require(duration.map { $0 >= 0 } ?? true, "duration")
        try require(connections.map { $0 >= 0 && $0 < 1 << 32 } ?? true, "connections")
        try require(rate.map { $0 > 0 } ?? true, "rate")
    }

    /// The connections of the clients are closed when this returns, before the servers stop.
    private func connectAndHold(_ whileHeld: (LoadResult) throws -> Void) throws -> LoadResult {
        let gate = StartGate()
        var threads: [Thread<(LoadResult, [HeldSocket])>] = []
        do throws(SystemError) {
            try gate.start.withLock { start throws(SystemError) in
                for number in 0..<clients {
                    threads.append(try Thread { connect(asClient: number, from: gate) })
                }
                start = monotonicSeconds()
            }
        } catch {
            for thread in threads { _ = thread.join() }
            throw error
        }
        let outcomes = threads.map { $0.join() }

        var result = LoadResult()
        result.seconds = monotonicSeconds() - (gate.start.withLock { $0 } ?? 0)
        for (client, _) in outcomes {
            result.opened += client.opened
            result.failed.merge(client.failed, uniquingKeysWith: +)
        }
        // Without this the optimiser may close the held connections before.
        try withExtendedLifetime(outcomes) { if hold { try whileHeld(result) } }
        return result
    }

    /// A server for each port and IP version: on the address itself when there is only one, else on
    /// the wildcard address, because one listener for many addresses costs least.
    private func makeServers() throws(SystemError) -> [Server] {
        let groups = Dictionary(grouping: Set(destinations)) {
            Endpoint.any(ipv6: $0.travelsAsIPv6, port: $0.port)
        }
        var servers: [Server] = []
        do throws(SystemError) {
            for (wildcard, endpoints) in groups {
                let endpoint = endpoints.count == 1 ? endpoints[0] : wildcard
                let server = try Server(at: endpoint)
                servers.append(server)
                try server.start(threads: serverThreads, holds: hold)
            }
        } catch {
            try? stop(servers)
            throw error
        }
        return servers
    }

    /// Stops all, then throws what stopped one early.
    private func stop(_ servers: [Server]) throws(SystemError) {
        var failure: SystemError?
        for server in servers {
            do throws(SystemError) { try server.stop() } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

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
    package var connectionsPerSecond: Double { seconds > 0 ? Double(opened) / seconds : 0 }
}
