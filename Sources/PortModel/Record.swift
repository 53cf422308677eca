/// One statement of the kernel about one socket, decoded. To fold it twice changes nothing.
///
/// Times are CLOCK_MONOTONIC nanoseconds. `socket` names the socket: its cookie or, for a
/// TIME_WAIT, the address of that object.
package enum Record: Hashable, Sendable {
    /// connect() has begun. No port is chosen yet, unless the program bound one.
    case opened(Connection)
    /// The handshake is done.
    case established(socket: UInt64, localPort: UInt16, time: UInt64)
    /// The socket is closed, and no TIME_WAIT took its port over.
    case closed(Closing)
    /// `successor` holds the port of `socket` from now on, or an existing one has been re-armed.
    case timeWait(socket: UInt64, successor: UInt64, time: UInt64)
    /// The port is free. `mayReturn`: unless a `timeWait` of the same object follows at once.
    /// `cookie`: what a TIME_WAIT had inherited, 0 for a bound socket.
    case released(socket: UInt64, cookie: UInt64, mayReturn: Bool, time: UInt64)
    /// From a snapshot: a connection that exists, in `state`.
    case exists(Connection, state: State)
    /// A process has the socket, which belongs to a namespace, open.
    case owner(socket: UInt64, netns: UInt32, Process)
    /// The settings of a network namespace, now. `pid`: of a process in it, 0 if none is known.
    case namespace(netns: UInt32, Namespace, pid: UInt32)

    /// The TCP states in which a connection holds a port, as far as they are told apart here.
    package enum State: UInt8, Sendable {
        case connecting
        /// Established, or closing while the socket still holds the port.
        case established
        /// The kernel's timewait object holds the port (a parked FIN_WAIT2 is one, too).
        case timeWait
    }

    package struct Connection: Hashable, Sendable {
        package var time: UInt64
        package var socket: UInt64
        package var tuple: Tuple
        /// 0 while not chosen.
        package var localPort: UInt16
        /// Of a TIME_WAIT that a snapshot has found: the cookie it has inherited.
        package var cookie: UInt64
        package var process: Process
        /// The range in force for this socket.
        package var range: PortRange

        package init(
            time: UInt64, socket: UInt64, tuple: Tuple, localPort: UInt16,
            cookie: UInt64 = 0, process: Process = .unknown, range: PortRange
        ) {
            self.time = time
            self.socket = socket
            self.tuple = tuple
            self.localPort = localPort
            self.cookie = cookie
            self.process = process
            self.range = range
        }
    }

    package struct Closing: Hashable, Sendable {
        package var time: UInt64
        package var socket: UInt64
        package var localPort: UInt16
        /// The socket's pending errno, 0 if none.
        package var error: UInt16
        /// The program's own bind keeps the port until it closes the descriptor.
        package var stillBound: Bool
        /// connect() got no port: its SYN was never sent.
        package var notSent: Bool

        package init(
            time: UInt64, socket: UInt64, localPort: UInt16, error: UInt16 = 0,
            stillBound: Bool = false, notSent: Bool = false
        ) {
            self.time = time
            self.socket = socket
            self.localPort = localPort
            self.error = error
            self.stillBound = stillBound
            self.notSent = notSent
        }
    }
}
