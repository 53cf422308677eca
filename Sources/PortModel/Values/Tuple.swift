/// The key under which the kernel allocates ephemeral ports: connections of one tuple need distinct
/// local ports, those of different tuples may share one.
package struct Tuple: Hashable, Sendable {
    /// The network namespace's identity: part of its cookie, which is never used again.
    package var netns: UInt32
    /// The index of the device that the socket is bound to, as one with a link-local peer always is: what
    /// goes through another device takes nothing from the same ports. 0 for none.
    package var device: UInt32
    package var local: IPAddress
    package var remote: IPAddress
    package var remotePort: UInt16

    package init(
        netns: UInt32, device: UInt32 = 0, local: IPAddress, remote: IPAddress, remotePort: UInt16
    ) {
        (self.netns, self.device) = (netns, device)
        (self.local, self.remote, self.remotePort) = (local, remote, remotePort)
    }

    /// The device that the socket is bound to, if any.
    package var networkDevice: NetworkDevice? {
        device == 0 ? nil : NetworkDevice(netns: netns, index: device)
    }

    /// Whether `tcp_tw_reuse` 2 is for it: by the address of either end, not by the device, as
    /// tcp_twsk_unique() sees it.
    package var isOnLoopback: Bool { local.isLoopback || remote.isLoopback }
}

/// A network device, by the number that it has in its namespace.
package struct NetworkDevice: Hashable, Sendable {
    package var netns: UInt32
    package var index: UInt32
    package init(netns: UInt32, index: UInt32) { (self.netns, self.index) = (netns, index) }
}
