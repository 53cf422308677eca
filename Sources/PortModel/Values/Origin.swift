/// The end that made a connection.
package enum Origin: UInt8, Hashable, Sendable {
    case server
    case client
    /// Nothing in the socket tells: the listener that it may have come from is gone.
    case either
}

/// Sockets of one network namespace that do not tell themselves who connected, and what each of them says
/// of the others.
package struct OriginEvidence: Sendable {
    /// The other end; the address as a digest.
    package struct Peer: Hashable, Sendable {
        package var address: UInt64
        package var port: UInt16
        package init(address: UInt64, port: UInt16) { (self.address, self.port) = (address, port) }
    }

    private var peers: [UInt16: Set<Peer>] = [:]
    private var localPorts: [Peer: Set<UInt16>] = [:]

    package init() {}

    package mutating func add(_ peer: Peer, localPort: UInt16) {
        peers[localPort, default: []].insert(peer)
        localPorts[peer, default: []].insert(localPort)
    }

    /// Tells who connected, for a socket that was added.
    ///
    /// Who connects has a port of its own for each connection to one peer, and takes it from the
    /// range; who was connected to has one port for all, whatever ports its peers have taken.
    ///
    /// - Parameter range: of the namespace; the peers', which is not known, is taken to be the same.
    package func origin(of peer: Peer, localPort: UInt16, range: PortRange) -> Origin {
        let isPeerEphemeral = range.contains(peer.port)
        let (hasPeers, hasPorts) = (peers[localPort]?.count ?? 0, localPorts[peer]?.count ?? 0)
        if hasPeers > 1, hasPorts == 1 { return isPeerEphemeral ? .server : .either }
        if hasPorts > 1, hasPeers == 1 { return .client }
        switch (range.contains(localPort), isPeerEphemeral) {
        case (true, false): return .client
        case (false, true): return .server
        default: return .either
        }
    }
}
