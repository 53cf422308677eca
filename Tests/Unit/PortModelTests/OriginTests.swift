import Testing

@testable import PortModel

/// Who connected, where the sockets themselves do not say.
struct OriginTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        /// Local port, the peer's, and who connected.
        let sockets: [(UInt16, UInt16, Origin)]
        var clients = 0
    }

    private static let range = PortRange(low: 40_000, high: 40_999)

    @Test(arguments: [
        Case(
            testDescription: "a server's port, whose listener is gone",
            sockets: (0..<5).map { (18_999, 40_000 + $0, .server) }),
        Case(
            testDescription: "bind(port 0) and connect()",
            sockets: (0..<5).map { (40_000 + $0, 18_998, .client) }),
        Case(testDescription: "one such", sockets: [(40_001, 443, .client)]),
        Case(testDescription: "one of a server", sockets: [(443, 40_001, .server)]),
        Case(
            testDescription: "ports below the range that a proxy names, to a backend within it",
            sockets: (0..<5).map { (2000 + $0, 40_500, .client) }),
        Case(
            testDescription: "a server within the range, of peers that have theirs from it",
            sockets: (0..<5).map { (40_500, 40_700 + UInt16($0), .server) }),
        Case(
            testDescription: "a few named ports for several services",
            sockets: (0..<5).flatMap { port in
                (0..<2).map { (2000 + port, 7101 + $0, .client) }
            }),
        Case(testDescription: "both within the range", sockets: [(40_001, 40_002, .either)]),
        Case(testDescription: "both outside", sockets: [(800, 2049, .either)]),
        Case(
            testDescription: "both outside, and others connect there",
            sockets: [(800, 2049, .client)], clients: 3),
    ]) func whoConnected(_ given: Case) {
        var evidence = OriginEvidence()
        for (port, peerPort, _) in given.sockets {
            evidence.add(localPort: port, remotePort: peerPort)
        }
        for (port, peerPort, expected) in given.sockets {
            let origin = evidence.origin(
                localPort: port, remotePort: peerPort, clients: given.clients, range: Self.range)
            #expect(origin == expected)
        }
    }
}
