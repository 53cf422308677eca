import LoadGenerator

/// A socket that stays open for as long as this is referred to.
final class Kept: Sendable {
    let socket: TCPSocket

    init(_ socket: consuming TCPSocket) { self.socket = socket }
}
