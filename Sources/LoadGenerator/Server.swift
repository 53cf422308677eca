import Glibc
import LinuxSystem

/// A listener and the threads that take its connections.
final class Server: @unchecked Sendable {
    private let socket: TCPSocket
    /// Used only by the thread that starts and stops it.
    private var threads: [Thread<SystemError?>] = []

    init(at endpoint: Endpoint) throws(SystemError) {
        socket = try TCPSocket(family: endpoint)
        // So that a peer that stays silent cannot keep a thread from ending.
        try socket.set(
            SOL_SOCKET, SO_RCVTIMEO, to: timeval(tv_sec: 5, tv_usec: 0), "SO_RCVTIMEO")
        if endpoint.travelsAsIPv6 {
            // The IPv4 address of the same port is another listener's.
            try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, to: Int32(1), "IPV6_V6ONLY")
        }
        try socket.bind(to: endpoint, reuseAddress: true)
        try socket.listen()
    }

    /// - Parameter holds: leaves connections open until it stops, in place of until the peer closes.
    func start(threads count: Int, holds: Bool) throws(SystemError) {
        for _ in 0..<count { threads.append(try Thread { self.serve(holds: holds) }) }
    }

    /// Serves the connections that already wait, ends the threads, throws what stopped one early.
    func stop() throws(SystemError) {
        drain()
        close()
        var failure: SystemError?
        for thread in threads { failure = thread.join() ?? failure }
        if let failure { throw failure }
    }

    /// Accepts until the listener is closed (nil) or fails.
    private func serve(holds: Bool) -> SystemError? {
        var held: [HeldSocket] = []
        while true {
            do throws(SystemError) {
                let peer = try socket.accept()
                if holds {
                    held.append(HeldSocket(peer))
                } else {
                    // A reset is the peer's affair, and counted there.
                    try? peer.waitForEnd()
                }
            } catch {
                switch error.errno {
                case EAGAIN, ECONNABORTED: continue
                case EINVAL:
                    // Each is closed once its peer has closed.
                    while let peer = held.popLast() { try? peer.socket.waitForEnd() }
                    return nil
                default:
                    // Clients shall be refused, not left waiting for an accept that does not come.
                    close()
                    return error
                }
            }
        }
    }

    /// Waits until no connection is left to accept: closing before would reset it.
    private func drain() {
        repeat {
            sleep(until: monotonicSeconds() + 0.001)
        } while (try? socket.wait(for: POLLIN, milliseconds: 0)) == POLLIN
    }

    /// Ends the threads; fails only when that was done before.
    private func close() { try? socket.shutdown(Int32(SHUT_RDWR)) }
}

/// A socket that stays open for as long as anybody has it.
final class HeldSocket: Sendable {
    let socket: TCPSocket

    init(_ socket: consuming TCPSocket) { self.socket = socket }
}
