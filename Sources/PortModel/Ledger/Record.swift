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
    /// `reusable`: it had timestamps, so that a connect() may take it where `tcp_tw_reuse` allows.
    case timeWait(socket: UInt64, successor: UInt64, reusable: Bool, time: UInt64)
    /// The port is free. `mayReturn`: unless a `timeWait` of the same object follows at once.
    /// `cookie`: what a TIME_WAIT had inherited, 0 for a bound socket.
    case released(socket: UInt64, cookie: UInt64, mayReturn: Bool, time: UInt64)
    /// From a snapshot: a connection that exists, in `state`.
    case exists(Connection, state: State)
    /// A process has the socket, which belongs to a namespace, open. `isOther`: the filter does not
    /// choose it.
    case owner(socket: UInt64, netns: UInt32, ProcessID, isOther: Bool = false)
    /// The settings of a network namespace, now. `pid`: of a process in it, 0 if none is known.
    case namespace(netns: UInt32, Namespace, pid: UInt32)
    /// From a snapshot: a socket that holds a port without a connection.
    case holder(Holder)
    /// connect() or bind() has returned an error, whether or not a change of state tells of it.
    case refused(Refusal)
    /// connect() has found a port, but searched long for it, in nanoseconds.
    case searched(socket: UInt64, localPort: UInt16, search: UInt64, time: UInt64)
    /// A connection, one of 64, has carried so many bytes both ways.
    case carried(socket: UInt64, bytes: UInt64)

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
        /// The lower half of the calling thread's id.
        package var thread: UInt16 = 0
        /// The cookie that a TIME_WAIT, found by a snapshot, has inherited.
        package var cookie: UInt64
        package var process: ProcessID
        /// The range in force for this socket.
        package var range: PortRange
        /// bind() itself has chosen the port, out of the pool of the local address.
        package var portChosen = false
        /// A TIME_WAIT, found by a snapshot, that had timestamps.
        package var reusable = false
        /// Found by a snapshot, and it does not tell who connected.
        package var isUncertain = false
        /// Of a process that the filter does not choose, or that is not known yet.
        package var isOther = false
        /// Nanoseconds for which that TIME_WAIT has waited already.
        package var age: UInt64 = 0

        package init(
            time: UInt64, socket: UInt64, tuple: Tuple, localPort: UInt16,
            cookie: UInt64 = 0, process: ProcessID = .unknown, range: PortRange
        ) {
            (self.time, self.socket, self.tuple) = (time, socket, tuple)
            (self.localPort, self.cookie) = (localPort, cookie)
            (self.process, self.range) = (process, range)
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
            (self.time, self.socket, self.localPort) = (time, socket, localPort)
            (self.error, self.stillBound, self.notSent) = (error, stillBound, notSent)
        }
    }

    /// A socket that is bound or listens.
    package struct Holder: Hashable, Sendable {
        package var netns: UInt32
        package var local: IPAddress
        package var localPort: UInt16
        package var process: ProcessID
        package var isListening: Bool
        package var portChosen: Bool

        package init(
            netns: UInt32, local: IPAddress, localPort: UInt16, process: ProcessID,
            isListening: Bool = false, portChosen: Bool = false
        ) {
            (self.netns, self.local, self.localPort) = (netns, local, localPort)
            (self.process, self.isListening, self.portChosen) = (process, isListening, portChosen)
        }
    }

    /// A bind() that came back without a port: for want of one, or of its local address.
    package struct Inferred: Hashable, Sendable {
        /// It may bind any address, whether it is there or not (IP_FREEBIND, IP_TRANSPARENT).
        package var anyAddress: Bool

        package init(anyAddress: Bool = false) { self.anyAddress = anyAddress }
    }

    package struct Refusal: Hashable, Sendable {
        package var time: UInt64
        /// 0 if nobody has asked for it: the socket has never come as far as to search a port.
        package var socket: UInt64
        /// With the error that it returned, and without a cause.
        package var call: FailedCall
        /// How it was found if nothing saw the call return; then its error is only the likely one.
        package var inferred: Inferred?

        package init(time: UInt64, socket: UInt64, call: FailedCall) {
            (self.time, self.socket, self.call) = (time, socket, call)
        }
    }
}
