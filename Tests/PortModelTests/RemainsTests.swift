import PortModel
import Testing

/// What is held from before, as a snapshot's records tell it.
@Suite struct RemainsTests {
    private static let second: UInt64 = 1_000_000_000
    private static let now = 1000 * second

    private func record(
        _ socket: UInt64, to remote: UInt64 = 1, netns: UInt32 = 7,
        _ state: Record.State = .timeWait, age seconds: UInt64 = 10, range: UInt16 = 64
    ) -> Record {
        var connection = Record.Connection(
            time: Self.now, socket: socket,
            tuple: Tuple(
                netns: netns, local: IPAddress(high: 0, low: 0xffff_0a00_0001),
                remote: IPAddress(high: 0, low: 0xffff_0a00_0100 + remote), remotePort: 80),
            localPort: UInt16(truncatingIfNeeded: 40000 + socket), process: .unknown,
            range: PortRange(low: 40000, high: 40000 + range - 1))
        connection.age = seconds * Self.second
        return .exists(connection, state: state)
    }

    @Test func eachSocketCountsOnce() {
        var remains = Remains(of: 7)
        for _ in 0..<2 {
            for socket in 1...5 as ClosedRange<UInt64> { remains.see(record(socket)) }
        }
        #expect(remains.timeWaits == 5 && remains.rows.map(\.held) == [5])
    }

    /// The command runs while the snapshot is taken.
    @Test func whatWasOpenedSinceIsLeftOut() {
        var remains = Remains(of: 7)
        for socket in [1, 2] as [UInt64] {
            guard case .exists(var connection, _) = record(socket) else { continue }
            remains.see(.opened(connection))
            remains.see(.exists(connection, state: .established))
            // Another object, with the socket's identity.
            (connection.cookie, connection.socket) = (socket, socket + 100)
            remains.see(.exists(connection, state: .timeWait))
        }
        #expect(remains.timeWaits == 0 && remains.rows.isEmpty)
        remains.see(record(3))
        #expect(remains.timeWaits == 1)
    }

    @Test func otherNamespacesAreLeftOut() {
        var remains = Remains(of: 8)
        remains.see(record(1))
        #expect(remains.timeWaits == 0 && remains.rows.isEmpty && remains.lastFree == nil)
    }

    @Test func theYoungestIsFreeLast() {
        var remains = Remains(of: 7)
        for (socket, age) in [(1, 50), (2, 3), (3, 20), (4, 60)] as [(UInt64, UInt64)] {
            remains.see(record(socket, age: age))
        }
        #expect(remains.lastFree == Self.now + 57 * Self.second)
        #expect(remains.rows.first?.timeWait == 4)
    }

    /// Live connections matter only where they take much; the most comes first.
    @Test func whatMattersIsToldMostFirst() {
        var remains = Remains(of: 7)
        remains.see(record(1, to: 1, .established, range: 200))
        for socket in 2...4 as ClosedRange<UInt64> {
            remains.see(record(socket, to: 2, .established, range: 200))
        }
        remains.see(record(5, to: 3, range: 200))
        #expect(remains.rows.map(\.held) == [3, 1])
        #expect(remains.rows.map(\.timeWait) == [0, 1])
    }
}
