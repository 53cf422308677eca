import PortModel
import Testing

/// Who connected, where the sockets themselves do not say.
struct OriginTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Local port, the peer's address, its port, and who connected.
        let sockets: [(UInt16, UInt64, UInt16, Origin)]
    }

    private static let range = PortRange(low: 40_000, high: 40_999)

    @Test(arguments: [
        Case(
            testDescription: "a server's port, whose listener is gone",
            sockets: (0..<5).map { (18_999, 1, 40_000 + $0, .server) }),
        Case(
            testDescription: "bind(port 0) and connect()",
            sockets: (0..<5).map { (40_000 + $0, 1, 18_998, .client) }),
        Case(testDescription: "one such", sockets: [(40_001, 1, 443, .client)]),
        Case(testDescription: "one of a server", sockets: [(443, 1, 40_001, .server)]),
        Case(
            testDescription: "ports below the range that a proxy names, to a backend within it",
            sockets: (0..<5).map { (2000 + $0, 1, 40_500, .client) }),
        Case(
            testDescription: "a server within the range, of peers that have theirs from it",
            sockets: (0..<5).map { (40_500, UInt64($0), 40_700 + UInt16($0), .server) }),
        Case(
            testDescription: "one port for several destinations, or a server behind NAT",
            sockets: [(40_001, 1, 80, .either), (40_001, 2, 80, .either)]),
        Case(testDescription: "both within the range", sockets: [(40_001, 1, 40_002, .either)]),
        Case(testDescription: "both outside", sockets: [(800, 1, 2049, .either)]),
    ]) func whoConnected(_ given: Case) {
        var evidence = OriginEvidence()
        for (port, address, peerPort, _) in given.sockets {
            evidence.add(
                OriginEvidence.Peer(address: address, port: peerPort), localPort: port)
        }
        for (port, address, peerPort, expected) in given.sockets {
            let peer = OriginEvidence.Peer(address: address, port: peerPort)
            #expect(evidence.origin(of: peer, localPort: port, range: Self.range) == expected)
        }
    }
}
