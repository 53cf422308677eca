import Glibc
import LinuxSystem

/// A listener and the threads that take its connections.
final class ServerThreads {
    /// Fate of a connection that was accepted.
    enum Treatment {
        /// Closes when the peer has closed.
        case readToEnd
        /// Closes first.
        case closeAtOnce
        /// Leaves it open until the server stops.
        case keep
    }

    private let listener: Listener
    private let threads: [Thread<SystemError?>]

    /// Listens at `endpoint` with `count` threads.
    init(at endpoint: Endpoint, count: Int, treatment: Treatment) throws(SystemError) {
        let listener = try Listener(at: endpoint)
        var threads: [Thread<SystemError?>] = []
        for _ in 0..<count {
            do throws(SystemError) {
                threads.append(try Thread { listener.serve(treatment) })
            } catch {
                listener.close()
                for thread in threads { _ = thread.join() }
                throw error
            }
        }
        self.listener = listener
        self.threads = threads
    }

    /// Serves the connections that already wait, ends the threads, throws what stopped one early.
    func stop() throws(SystemError) {
        listener.drain()
        listener.close()
        var failure: SystemError?
        for thread in threads { failure = thread.join() ?? failure }
        if let failure { throw failure }
    }
}

/// Shared by the threads of a server.
private final class Listener: Sendable {
    private let socket: TCPSocket

    init(at endpoint: Endpoint) throws(SystemError) {
        socket = try TCPSocket(family: endpoint)
        // So that a peer that stays silent cannot keep a thread from ending.
        try socket.setReceiveTimeout(seconds: 5)
        if endpoint.travelsAsIPv6 { try socket.setIPv6Only() }
        try socket.bind(to: endpoint, reuseAddress: true)
        try socket.listen()
    }

    /// Accepts until the listener is closed (nil) or fails.
    func serve(_ treatment: ServerThreads.Treatment) -> SystemError? {
        let held = HeldSockets()
        while true {
            do throws(SystemError) {
                let peer = try socket.accept()
                switch treatment {
                case .closeAtOnce: break
                case .keep: held.keep(peer)
                // A reset is the peer's affair, and counted there.
                case .readToEnd: try? peer.waitForEnd()
                }
            } catch {
                switch error.errno {
                case EAGAIN, ECONNABORTED: continue
                case EINVAL:
                    held.closeAfterPeers()
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
    func drain() {
        repeat {
            MonotonicTime.now().advanced(bySeconds: 0.001).sleep()
        } while (try? socket.wait(for: POLLIN, milliseconds: 0)) == POLLIN
    }

    /// Ends the threads; fails only when that was done before.
    func close() {
        try? socket.shutdownListener()
    }
}
