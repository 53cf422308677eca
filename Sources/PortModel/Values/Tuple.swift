/// What the limit is per: connections of one tuple need a local port each, those of two tuples may
/// share one.
package struct Tuple: Hashable, Sendable {
    /// The network namespace's identity: part of its cookie, which is never used again.
    package var netns: UInt32
    package var local: IPAddress
    package var remote: IPAddress
    package var remotePort: UInt16

    package init(netns: UInt32, local: IPAddress, remote: IPAddress, remotePort: UInt16) {
        self.netns = netns
        self.local = local
        self.remote = remote
        self.remotePort = remotePort
    }
}
