/// A TCP socket as the kernel's own table lists it.
package struct KernelSocket: Hashable, Sendable {
    /// The socket's family, not its packets': a `.v6` one may speak IPv4, and has mapped addresses then.
    package enum Family: UInt8, Sendable { case v4, v6 }

    /// The kernel's numbers.
    package enum State: UInt8, Sendable {
        case established = 1
        case synSent, synReceived, finWait1, finWait2, timeWait
        case closeWait = 8
        case lastAck, listen, closing, newSynReceived
        /// Bound, and neither connected nor listening: listed since Linux 6.8.
        case bound
    }

    package var family: Family
    package var state: State
    /// Which timer runs: 0 none, 1 retransmission, 2 keep-alive, 3 that of a timewait object, 4 probe.
    package var timer: UInt8
    package var local: IPAddress
    package var localPort: UInt16
    package var remote: IPAddress
    /// 0 without a peer.
    package var remotePort: UInt16
    /// The index of the device that it is bound to, or 0.
    package var device: UInt32
    package var uid: UInt32
    /// Names the socket among the descriptors of processes; 0 when no process has it open.
    package var inode: UInt32
    /// Never given again; a TIME_WAIT has that of the connection it follows.
    package var cookie: UInt64
    /// Milliseconds until `timer` runs out: what is left of a TIME_WAIT.
    package var expires: UInt32

    package init(
        family: Family = .v4, state: State, timer: UInt8 = 0, local: IPAddress, localPort: UInt16,
        remote: IPAddress = IPAddress(v4: 0), remotePort: UInt16 = 0,
        device: UInt32 = 0, uid: UInt32 = 0, inode: UInt32 = 0, cookie: UInt64 = 0,
        expires: UInt32 = 0
    ) {
        (self.family, self.state, self.timer) = (family, state, timer)
        (self.local, self.localPort) = (local, localPort)
        (self.remote, self.remotePort) = (remote, remotePort)
        (self.device, self.uid, self.inode) = (device, uid, inode)
        (self.cookie, self.expires) = (cookie, expires)
    }

    /// The port is held by a timewait object: in TIME_WAIT, or in a FIN_WAIT2 that is parked there.
    package var isTimeWait: Bool { timer == 3 }
}
