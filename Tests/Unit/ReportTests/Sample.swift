@testable import Events
@testable import PortModel
@testable import Report

/// Events to write, and what they look like when written.
enum Sample {
    static let tuple = Tuple(
        netns: 4_026_531_840, local: IPAddress(v4: 0x0a00_0001), remote: IPAddress(v4: 0x0a00_0009),
        remotePort: 80)
    /// In a namespace with a name.
    static let tupleV6 = Tuple(
        netns: 4_026_532_246, local: IPAddress(high: 0x2001_0db8 << 32, low: 1),
        remote: IPAddress(high: 0x2001_0db8 << 32, low: 9), remotePort: 443)
    static let process = ProcessID(pid: 4123, name: ProcessID.Name("wrk"))
    static let range = PortRange(low: 32_768, high: 60_999)
    /// 17:16:05.123456 in UTC, an hour later here.
    static let time: UInt64 = 123_456_789

    static let context = RenderContext(
        timestamps: Timestamps(
            realtimeOffset: 1_795_367_765_000_000_000, localOffset: 3600),
        namespaceNames: [4_026_532_246: "blue"], ownNamespace: 4_026_531_840,
        errnoName: { number in
            switch number {
            case 101: "ENETUNREACH"
            case 111: "ECONNREFUSED"
            case 125: "ECANCELED"
            default: "errno \(number)"
            }
        })

    /// A process by the bytes of its name, which may be any.
    static func process(_ name: [UInt8]) -> ProcessID {
        var halves: [UInt64] = [0, 0]
        for (index, byte) in name.enumerated() {
            halves[index >> 3] |= UInt64(byte) << UInt64(8 * (index & 7))
        }
        return ProcessID(pid: 7, name: ProcessID.Name(head: halves[0], tail: halves[1]))
    }

    // MARK: Events

    static let start: Event.Start = {
        var start = Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: ["one"])
        start.host = "web-7"
        start.machine = "x86_64"
        start.cpus = 2
        start.command = ["portgauge", "--record", "a b"]
        start.ownInode = 4_026_531_840
        start.localOffset = 3600
        start.thresholds = [50, 66, 90]
        return start
    }()

    static func change(
        _ kind: Change.Kind, port: UInt16 = 43_210, tuple: Tuple = tuple,
        process: ProcessID = process, held: Int = 14_117, at time: UInt64 = time
    ) -> Change {
        Change(
            kind: kind, time: time, place: 0, tuple: tuple, localPort: port, process: process,
            held: held, usable: 28_232)
    }

    static func connection(
        _ kind: Change.Kind, port: UInt16 = 43_210, tuple: Tuple = tuple,
        process: ProcessID = process
    ) -> Event {
        .connection(change(kind, port: port, tuple: tuple, process: process))
    }

    static let bindPool = BindPool.Key(netns: tuple.netns, local: IPAddress(v4: 0x0a00_0001))

    /// - Parameter repeated: how many there were in the second after the first, or else the first.
    static func failure(
        _ cause: Cause, _ call: FailedCall.Kind = .connect, port: UInt16 = 0,
        process: ProcessID = process,
        usage: PortUsage = PortUsage(held: 28_232, timeWait: 28_000, usable: 28_232),
        limit: Failure.Limit? = Failure.Limit(range: range, reserved: 0, bound: 0),
        search: UInt64? = 12_345_678, repeated: Int = 0, processes: Int = 1,
        inferred: Bool = false
    ) -> Event {
        let scope: PortScope = call == .connect ? .tuple(tuple) : .bindPool(bindPool)
        var failure = Failure(
            FailedCall(scope: scope, localPort: port, process: process, cause: cause), time: time,
            usage: usage)
        failure.limit = limit
        failure.search = call == .connect ? search : nil
        if cause == .range { failure.ownRange = limit?.range }
        (failure.count, failure.processes) = (max(1, repeated), processes)
        failure.isInferred = inferred
        return .failure(failure)
    }

    static func alert(
        level: Int, held: Int, timeWait: Int = 0, reusable: Int = 0, _ forecast: Forecast? = nil,
        longSearch: Double? = nil
    ) -> Event {
        let usage = PortUsage(
            held: held, timeWait: timeWait, reusable: reusable, usable: 28_232)
        var alert = Alert(level: level, time: time, scope: .tuple(tuple), usage: usage)
        alert.forecast = forecast
        alert.longSearch = longSearch
        return .alert(alert)
    }

    static let forecast = Forecast(
        opensPerSecond: 1012, netPerSecond: 1012, exhaustedIn: 14, levelsOffAt: nil, usable: 28_232,
        sustainable: 470.5, intoTimeWait: 1)

    static func poolAlert(level: Int, held: Int) -> Event {
        let usage = PortUsage(held: held, usable: 28_232)
        return .alert(
            Alert(level: level, time: time, scope: .bindPool(bindPool), usage: usage))
    }

    /// Of a bind() each: one that has a port, and `failed` that found none or named one that is used.
    static func bindPools(failed: Int = 1, collisions: Int = 1) -> Ledger {
        var ledger = Ledger()
        _ = ledger.apply(.namespace(netns: tuple.netns, namespaceSettings, pid: 0))
        let holder = Record.Holder(
            netns: tuple.netns, local: tuple.local, localPort: 40_000, process: process,
            portChosen: true)
        _ = ledger.apply(.holder(holder))
        for port in [UInt16](repeating: 0, count: failed)
            + [UInt16](repeating: 8080, count: collisions)
        {
            let refusal = Record.Refusal(
                time: time, socket: 0,
                call: FailedCall(
                    scope: .bindPool(bindPool), localPort: port, process: process, errno: 98))
            _ = ledger.apply(.refused(refusal))
        }
        ledger.countBindPools()
        return ledger
    }

    static func bindPool(_ ledger: Ledger = bindPools()) -> Event {
        .bindPool(Event.BindPoolUsage(ledger.bindPools.values.first!))
    }

    /// The tuple's first second.
    static func tick(_ load: Load) -> Event {
        var ledger = load.ledger()
        return .tick(ledger.takeTicks(at: 2_000_000_000)[0])
    }

    /// A second after which it is clear when it is full.
    static func fullSoon() -> Event {
        var ledger = Load(timeWait: 4000).ledger()
        return .tick(ledger.takeTicks(at: 1_000_000_000)[0])
    }

    static func snapshot(of ledger: Ledger, source: Snapshot.Source = .kernel) -> Event {
        .snapshot(Snapshot(of: ledger, source: source))
    }

    static let audit: Event = {
        var audit = Audit(netns: tupleV6.netns, sockets: 300_000, duration: 90_012_345)
        audit.drift = [(tupleV6, -3)]
        return .audit(audit)
    }()

    static let namespaceSettings: Namespace = {
        var reserved = PortSet()
        for port: UInt16 in [32_768, 60_999, 61_000] { reserved.insert(port) }
        return Namespace(
            inode: 4_026_532_200, pool: PortPool(range: range, reserved: reserved),
            timeWait: TimeWaitRules(
                reuse: 2, reuseDelay: 500, timestamps: true, limit: 65_536))
    }()

    static func namespace(_ kind: Event.NamespaceNews.Kind) -> Event {
        .namespace(
            Event.NamespaceNews(kind: kind, netns: tupleV6.netns, namespace: namespaceSettings))
    }

    static func summary(
        of ledger: Ledger, lost: UInt64 = 0, linesDropped: Int = 0, limit: Int = 1000
    ) -> Event {
        var accuracy = Accuracy()
        accuracy.lost = lost
        return .summary(
            Summary(
                of: ledger, duration: 61_234_567_890, accuracy: accuracy,
                linesDropped: linesDropped, limit: limit))
    }

    // MARK: Lines

    static func json(_ event: Event, in context: RenderContext = context) -> String {
        var line = TextBuffer()
        var writer = EventWriter.json(JSONWriter())
        writer.write(event, at: time, in: context, to: &line)
        return line.text
    }

    static func text(
        _ event: Event, colour: Bool = false, columns: Int? = nil,
        in context: RenderContext = context
    ) -> String {
        var line = TextBuffer()
        var writer = EventWriter.text(
            TextWriter(colour: colour, layout: Layout(columns: columns)))
        writer.write(event, at: time, in: context, to: &line)
        return line.text
    }
}

extension TextBuffer {
    var text: String { String(decoding: bytes, as: UTF8.self) }

    static func text(_ write: (inout TextBuffer) -> Void) -> String {
        var line = TextBuffer()
        write(&line)
        return line.text
    }
}

/// What a tuple went through, for ledgers that have something to report.
struct Load {
    var tuple = Sample.tuple
    var process = Sample.process
    var range = Sample.range
    /// Connections that are established, are closed and free, or are in TIME_WAIT.
    var established = 0
    var closed = 0
    var timeWait = 0
    /// Connects that got a port but no connection, by errno.
    var errors: [UInt16: Int] = [:]
    var failed = 0
    /// Of a process that the filter does not choose.
    var isOther = false

    func ledger() -> Ledger {
        var ledger = Ledger()
        fold(into: &ledger)
        return ledger
    }

    /// - Parameter first: a number that no socket of the ledger has yet, nor the ones above it.
    func fold(into ledger: inout Ledger, first: UInt64 = 1) {
        var socket = first
        func each(_ count: Int, _ body: (inout Ledger) -> Void) {
            for _ in 0..<count {
                _ = ledger.apply(.opened(connection(socket)))
                body(&ledger)
                socket += 1
            }
        }
        func establish(_ ledger: inout Ledger) {
            _ = ledger.apply(
                .established(socket: socket, localPort: 40_000, time: Sample.time))
        }
        for (error, count) in errors {
            each(count) { _ = $0.apply(closing(socket, port: 40_000, error: error)) }
        }
        ledger.failures.awaitsReturns = true
        each(failed) { _ = $0.apply(closing(socket, port: 0)) }
        each(closed) {
            establish(&$0)
            _ = $0.apply(closing(socket, port: 40_000))
        }
        each(timeWait) {
            establish(&$0)
            _ = $0.apply(
                .timeWait(
                    socket: socket, successor: socket | 1 << 63, reusable: false,
                    time: Sample.time))
        }
        each(established) { establish(&$0) }
    }

    private func connection(_ socket: UInt64) -> Record.Connection {
        var connection = Record.Connection(
            time: Sample.time, socket: socket, tuple: tuple, localPort: 0, process: process,
            range: range)
        connection.isOther = isOther
        return connection
    }

    private func closing(_ socket: UInt64, port: UInt16, error: UInt16 = 0) -> Record {
        .closed(
            Record.Closing(
                time: Sample.time, socket: socket, localPort: port, error: error, notSent: port == 0
            ))
    }
}
