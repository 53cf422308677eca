@testable import Events
@testable import PortModel
@testable import Report

extension Sample {
    /// Each kind of event, with all that may be absent, and without.
    static let everyEvent: [Event] = {
        let nobody = ProcessID.unknown
        let user = ProcessID(pid: 7, name: ProcessID.Name("curl"), uid: 1000)
        let nameless = ProcessID(pid: 7, name: ProcessID.Name())
        let closed = Change.Kind.closed(timeWait: true, lived: nil, error: nil)
        return [
            .start(Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: ["one", "two"])),
            .start(start),
            connection(.opened, port: 5000),
            connection(.opened, port: 0, tuple: tupleV6, process: nobody),
            connection(.opened, process: user), connection(.established, process: user),
            connection(.established), connection(.established, process: nobody),
            connection(.closed(timeWait: false, lived: 1000, error: 111)),
            connection(.closed(timeWait: false, lived: 1000, error: 999)),
            connection(closed, process: nobody),
            connection(.released), connection(.released, process: nameless),
            connection(.released, process: nobody),
            connection(.established, process: process([0xff, 0x22, 0x5c, 0x1b])),
            failure(.collision, port: 5000, repeated: 12),
            failure(.exhausted, process: nobody), failure(.exhausted, process: user),
            failure(.exhausted, .bind, process: user), failure(.range), failure(.noMemory),
            failure(.blocked, limit: limit),
            failure(.noAddress, usage: PortUsage(usable: 0), limit: nil, search: nil),
            failure(.exhausted, .bind), failure(.exhausted, .bind, process: nobody),
            failure(.collision, .bind, port: 8080, limit: nil),
            failure(.exhausted, .bind, inferred: true), failure(.noAddress, .bind, limit: nil),
            failure(.exhausted, repeated: 200, processes: 136),
            failure(.exhausted, .bind, repeated: 2000, processes: DistinctPIDs.more),
            alert(level: 50, held: 14_117), alert(level: 0, held: 0),
            alert(level: 100, held: 30_000), poolAlert(level: 90, held: 28_000), bindPool(),
            tick(Load(established: 1, closed: 2, timeWait: 3, failed: 4)),
            audit, namespace(.found), namespace(.changed), namespace(.gone),
            alert(level: 66, held: 18_820, forecast, longSearch: 2_247_000),
            alert(
                level: 50, held: 14_117,
                Forecast(
                    opensPerSecond: 10, netPerSecond: 0.5, exhaustedIn: nil, levelsOffAt: 14_500,
                    usable: 28_232, sustainable: nil, intoTimeWait: nil), longSearch: nil),
            portsBack(.tuple(tuple)), portsBack(.bindPool(bindPool)),
            fullSoon(), snapshot(of: Ledger(), source: .sockDiag), snapshot(of: bindPools()),
            snapshot(of: Load(established: 3).ledger()),
            takenBack, .lost(1), summary, summary(of: Ledger()), summary(of: refusals),
            crowd, progress,
        ] + everyAdvice.map { summary(advising: [$0]) }
    }()

    static func portsBack(_ scope: PortScope) -> Event {
        var recovery = Event.Recovery(of: scope, since: time)
        recovery.ended = time + 12_300_000_000
        recovery.failed = 1200
        recovery.usage = PortUsage(held: 20_000, timeWait: 12_000, usable: 28_232)
        return .portsBack(recovery)
    }

    static let limit = Failure.Limit(
        range: range, reserved: 1024, bound: 27_208,
        holders: [
            Failure.Holder(
                process: ProcessID(pid: 99, name: ProcessID.Name("envoy")), ports: 27_000),
            Failure.Holder(process: .unknown, ports: 208),
        ])

    /// Pools of bind(), and calls that were refused, of somebody and of nobody known.
    private static var refusals: Ledger {
        var ledger = bindPools()
        for (socket, call) in [(1, .connect), (2, .connect), (3, .bind)]
            as [(UInt64, FailedCall.Kind)]
        {
            let pool = BindPool.Key(netns: tupleV6.netns, local: tupleV6.local)
            let refusal = Record.Refusal(
                time: time, socket: socket,
                call: FailedCall(
                    scope: call == .connect ? .tuple(tupleV6) : .bindPool(pool),
                    process: socket == 1 ? process : .unknown, errno: socket == 2 ? 12 : 99))
            _ = ledger.apply(.refused(refusal))
        }
        ledger.countBindPools()
        return ledger
    }

    /// Several processes of one name, and more names than have a row.
    private static var crowd: Event {
        var ledger = Ledger()
        _ = ledger.apply(.namespace(netns: tuple.netns, namespaceSettings, pid: 0))
        for pid: UInt32 in 1...2 {
            let process = ProcessID(pid: pid, name: ProcessID.Name("curl"))
            Load(process: process, failed: 1).fold(into: &ledger, first: UInt64(pid))
            for scope in [PortScope.tuple(tuple), .bindPool(bindPool)] {
                let failed = FailedCall(scope: scope, process: process, errno: 98)
                _ = ledger.apply(.refused(Record.Refusal(time: time, socket: 0, call: failed)))
            }
        }
        guard case .summary(var all) = summary(of: ledger) else { return .lost(0) }
        all.tuples[0].names.append(
            Callers.NameShare(name: nil, processes: DistinctPIDs.more))
        // As of 0.1.0.
        all.bindPools[0].names = []
        return .summary(all)
    }

    /// A connect() that searched for so long that it was taken for one that has its port.
    private static var takenBack: Event {
        var ledger = Ledger()
        let connection = Record.Connection(
            time: 1, socket: 1, tuple: tuple, localPort: 0, range: range)
        _ = ledger.apply(.opened(connection))
        ledger.settle(now: 1_000_000_000) { _ in }
        _ = ledger.takeTicks(at: 2_000_000_000)
        _ = ledger.apply(.closed(Record.Closing(time: 2, socket: 1, localPort: 0, notSent: true)))
        return .tick(ledger.takeTicks(at: 2_000_000_000)[0])
    }

    private static var summary: Event {
        var ledger = Ledger()
        _ = ledger.apply(.namespace(netns: tuple.netns, namespaceSettings, pid: 0))
        Load(established: 1, timeWait: 2, errors: [111: 3, 999: 1]).fold(into: &ledger)
        Load(failed: 1).fold(into: &ledger, first: 50)
        Load(tuple: tupleV6, failed: 1).fold(into: &ledger, first: 100)
        let found = Tuple(
            netns: 1, local: tuple.local, remote: tuple.remote, remotePort: 0)
        let connection = Record.Connection(
            time: 1, socket: 200, tuple: found, localPort: 40_000, range: range)
        _ = ledger.apply(.exists(connection, state: .established))
        _ = ledger.apply(.namespace(netns: tupleV6.netns, namespaceSettings, pid: 0))
        Load(established: 2, isOther: true).fold(into: &ledger, first: 300)
        ledger.isFiltered = true
        guard
            case .summary(var summary) = summary(of: ledger, lost: 1, linesDropped: 2, limit: 3)
        else { return .lost(0) }
        // As only 0.1.0 has written.
        summary.isPartial = true
        summary.accuracy.uncertain = 4
        return .summary(summary)
    }

    private static var progress: Event {
        guard case .summary(let summary) = summary else { return .lost(0) }
        return .progress(summary)
    }

    /// Without their newlines.
    static let everyLine = everyEvent.map { String(json($0).dropLast()) }
}
