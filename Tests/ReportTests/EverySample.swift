import PortModel

@testable import Report

extension Sample {
    /// Each kind of event, with all that may be absent, and without.
    private static let everyEvent: [Event] = {
        let nobody = Process.unknown
        let nameless = Process(pid: 7, name: Process.Name())
        let closed = Change.Kind.closed(timeWait: true, lived: nil, error: nil)
        return [
            .start(Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: ["one", "two"])),
            connection(.opened, port: 5000),
            connection(.opened, port: 0, tuple: tupleV6, process: nobody),
            connection(.established), connection(.established, process: nobody),
            connection(.closed(timeWait: false, lived: 1000, error: 111)),
            connection(.closed(timeWait: false, lived: 1000, error: 999)),
            connection(closed, process: nobody),
            connection(.released), connection(.released, process: nameless),
            connection(.released, process: nobody),
            connection(.established, process: process([0xff, 0x22, 0x5c, 0x1b])),
            failure(.boundPortInUse, port: 5000, repeated: 12),
            failure(.noPort, process: nobody),
            alert(level: 50, held: 14_117), alert(level: 0, held: 0),
            alert(level: 100, held: 30_000),
            tick(Load(established: 1, closed: 2, timeWait: 3, failed: 4)),
            audit, namespace(.found), namespace(.changed), namespace(.gone),
            takenBack, .lost(1), summary, summary(of: Ledger()),
        ]
    }()

    /// A connect() that searched for so long that it was taken for one that has its port.
    private static var takenBack: Event {
        var ledger = Ledger()
        let connection = Record.Connection(
            time: 1, socket: 1, tuple: tuple, localPort: 0, range: range)
        _ = ledger.apply(.opened(connection))
        ledger.settle(now: 1_000_000_000) { _ in }
        _ = ledger.takeTicks()
        _ = ledger.apply(.closed(Record.Closing(time: 2, socket: 1, localPort: 0, notSent: true)))
        return .tick(ledger.takeTicks()[0])
    }

    private static var summary: Event {
        var ledger = Load(established: 1, timeWait: 2, errors: [111: 3, 999: 1], failed: 1).ledger()
        Load(tuple: tupleV6, failed: 1).fold(into: &ledger, first: 100)
        let found = Tuple(
            netns: 1, local: tuple.local, remote: tuple.remote, remotePort: 0)
        let connection = Record.Connection(
            time: 1, socket: 200, tuple: found, localPort: 40_000, range: range)
        _ = ledger.apply(.exists(connection, state: .established))
        _ = ledger.apply(.namespace(netns: tupleV6.netns, namespaceSettings, pid: 0))
        return summary(of: ledger, lost: 1, linesDropped: 2, limit: 3)
    }

    /// Without their newlines.
    static let everyLine = everyEvent.map { String(json($0).dropLast()) }
}
