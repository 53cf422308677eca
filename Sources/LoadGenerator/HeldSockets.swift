import Glibc

/// Sockets that stay open together and are closed together, when this object goes.
///
/// Used by one thread at a time: the one that fills it, then the one that has joined it.
final class HeldSockets: @unchecked Sendable {
    /// Each one owned.
    private var descriptors: [Int32] = []

    func keep(_ socket: consuming TCPSocket) {
        descriptors.append(socket.release())
    }

    /// Closes each one once its peer has closed.
    func closeAfterPeers() {
        while let descriptor = descriptors.popLast() {
            // A reset is the peer's affair, and counted there.
            try? TCPSocket(owning: descriptor).waitForEnd()
        }
    }

    deinit {
        for descriptor in descriptors { _ = close(descriptor) }
    }
}
