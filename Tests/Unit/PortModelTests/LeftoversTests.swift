import PortModel
import Testing

/// What is held from before, as a snapshot's records tell it.
@Suite struct LeftoversTests {
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
        var leftovers = Leftovers(of: 7)
        for _ in 0..<2 {
            for socket in 1...5 as ClosedRange<UInt64> { leftovers.see(record(socket)) }
        }
        #expect(leftovers.timeWaits == 5 && leftovers.rows.map(\.held) == [5])
    }

    /// The command runs while the snapshot is taken.
    @Test func whatWasOpenedSinceIsLeftOut() {
        var leftovers = Leftovers(of: 7)
        for socket in [1, 2] as [UInt64] {
            guard case .exists(var connection, _) = record(socket) else { continue }
            leftovers.see(.opened(connection))
            leftovers.see(.exists(connection, state: .established))
            // Another object, with the socket's identity.
            (connection.cookie, connection.socket) = (socket, socket + 100)
            leftovers.see(.exists(connection, state: .timeWait))
        }
        #expect(leftovers.timeWaits == 0 && leftovers.rows.isEmpty)
        leftovers.see(record(3))
        #expect(leftovers.timeWaits == 1)
    }

    @Test func otherNamespacesAreLeftOut() {
        var leftovers = Leftovers(of: 8)
        leftovers.see(record(1))
        #expect(leftovers.timeWaits == 0 && leftovers.rows.isEmpty && leftovers.lastFree == nil)
    }

    @Test func theYoungestIsFreeLast() {
        var leftovers = Leftovers(of: 7)
        for (socket, age) in [(1, 50), (2, 3), (3, 20), (4, 60)] as [(UInt64, UInt64)] {
            leftovers.see(record(socket, age: age))
        }
        #expect(leftovers.lastFree == Self.now + 57 * Self.second)
        #expect(leftovers.rows.first?.timeWait == 4)
    }

    /// Live connections matter only where they take much; the most comes first.
    @Test func whatMattersIsToldMostFirst() {
        var leftovers = Leftovers(of: 7)
        leftovers.see(record(1, to: 1, .established, range: 200))
        for socket in 2...4 as ClosedRange<UInt64> {
            leftovers.see(record(socket, to: 2, .established, range: 200))
        }
        leftovers.see(record(5, to: 3, range: 200))
        #expect(leftovers.rows.map(\.held) == [3, 1])
        #expect(leftovers.rows.map(\.timeWait) == [0, 1])
    }
}
