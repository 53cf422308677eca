/// The end that made a connection.
package enum Origin: UInt8, Hashable, Sendable {
    case server
    case client
    /// Nothing in the socket tells: the listener that it may have come from is gone.
    case either
}

/// Sockets of one network namespace that do not tell themselves who connected, and what each of them says
/// of the others.
struct OriginEvidence: Sendable {
    private var remotePorts: [UInt16: Set<UInt16>] = [:]
    private var localPorts: [UInt16: Set<UInt16>] = [:]

    mutating func add(localPort: UInt16, remotePort: UInt16) {
        remotePorts[localPort, default: []].insert(remotePort)
        localPorts[remotePort, default: []].insert(localPort)
    }

    /// Tells who connected, for a socket that was added.
    ///
    /// Who connects has a port of its own for each connection; who is connected to has one for all. So
    /// the service's port is the one that meets more ports of the other side; and where both meet as
    /// many, the one that is not ephemeral.
    ///
    /// - Parameters:
    ///   - clients: connections to that remote port that certainly are outgoing.
    ///   - range: of the namespace; the peers', which is not known, is taken to be the same.
    func origin(localPort: UInt16, remotePort: UInt16, clients: Int, range: PortRange) -> Origin {
        let met = (localPorts[remotePort]?.count ?? 0) + clients
        let own = remotePorts[localPort]?.count ?? 0
        if met != own { return met > own ? .client : .server }
        switch (range.contains(localPort), range.contains(remotePort)) {
        case (true, false): return .client
        case (false, true): return .server
        default: return .either
        }
    }
}
