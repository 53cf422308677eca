import LoadGenerator

/// Sockets that stay open until the end.
final class Crowd {
    enum Fate { case stay, close, halfClose }

    private var listener: Kept?
    private var held: [Kept] = []

    func listen(on endpoint: Endpoint) throws {
        let socket = try TCPSocket(family: endpoint)
        try socket.bind(to: endpoint)
        try socket.listen()
        let kept = Kept(socket)
        if listener == nil { listener = kept }
        held.append(kept)
    }

    func bind(_ endpoint: Endpoint) throws {
        let socket = try TCPSocket(family: endpoint)
        try socket.bind(to: endpoint)
        held.append(Kept(socket))
    }

    /// - Parameter fate: `close`: its port goes into TIME_WAIT; `halfClose`: the peer leaves it in
    ///   FIN_WAIT2.
    func connect(to peer: Endpoint, from source: Endpoint? = nil, _ fate: Fate = .stay) throws {
        let socket = try TCPSocket(family: peer)
        if let source { try socket.bind(to: source) }
        try socket.connect(to: peer)
        let accepted = try listener!.socket.accept()
        switch fate {
        case .stay:
            held.append(Kept(socket))
            held.append(Kept(accepted))
        case .close:
            try socket.close()
            try accepted.waitForEnd()
            try accepted.close()
        case .halfClose:
            try socket.close()
            held.append(Kept(accepted))
        }
    }

    /// What has nobody to refer to it any more may be closed before.
    func stayUntilHere() { withExtendedLifetime(held) {} }

    func connectUntilItFails(to peer: Endpoint) -> Int {
        var count = 0
        while count < 1000, (try? connect(to: peer)) != nil { count += 1 }
        return count
    }
}
