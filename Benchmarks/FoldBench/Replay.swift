import PortModel
import Probe
import Report

/// What the tracer does with each record, from its bytes to the text: in place of its own types, which
/// belong to the command.
struct Replay: ~Copyable {
    private var ledger = Ledger()
    private var watch = Watch()
    private var failures = FailureLog()
    private var untold: [Failure] = []
    private var surroundings: Surroundings
    private var choice: EventChoice
    private var writer: EventWriter
    private let isJSON: Bool
    private var line = Line()
    private var output: Output
    /// Records that were none.
    private(set) var malformed = 0
    /// Bytes of text.
    private(set) var written = 0
    private(set) var failed = 0

    private static let tickLines = 10

    init(_ level: EventChoice.Level, json: Bool) throws {
        choice = EventChoice(level)
        isJSON = json
        writer = json ? .json(JSONWriter()) : .text(TextWriter(colour: false))
        output = try Output(creating: "/dev/null", ifFull: "")
        surroundings = Surroundings(
            timestamps: Timestamps(realtimeOffset: 0, localOffset: 0), namespaceNames: [:],
            ownNamespace: 1, errnoName: errnoName)
        failures.awaitsReturns = true
    }

    var held: Int { ledger.accounts.reduce(0) { $0 + $1.standing.held } }

    mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        guard let record = unsafe Record(bytes) else {
            malformed += 1
            return
        }
        if case .namespace(let netns, let namespace, _) = record,
            ledger.namespaces[netns] != namespace
        {
            surroundings.namespaceNames[netns] = String(namespace.inode)
        }
        if case .refused(let refusal) = record {
            let other = ledger.failure(refusal)
            if !failures.isAwaited(refusal) { ledger.enter(other) }
            if let first = failures.returned(refusal, else: other) { untold.append(first) }
            return
        }
        guard let change = ledger.apply(record) else { return }
        try follow(change)
        if case .closed(let closing) = record, let failure = ledger.failure(change) {
            failed += 1
            if let first = failures.add(failure, socket: closing.socket) { untold.append(first) }
        }
    }

    /// The ring was read to its end.
    mutating func settle(now: UInt64) throws {
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { try follow(change) }
        untold += failures.settle(now: now)
        try tellFailures()
        try output.flush()
    }

    mutating func secondPassed(at now: UInt64) throws {
        untold += failures.takeTick()
        try tellFailures()
        let ticks = ledger.takeTicks(at: now)
        for tick in ticks { try observe(tick.index, tick.tuple, tick.standing, at: now) }
        if choice.wantsTicks(always: isJSON) {
            for tick in ticks.prefix(isJSON ? .max : Self.tickLines) {
                try tell(.tick(tick), at: now)
            }
        }
        ledger.forgetIdle(keeping: 65_536, gone: 1000)
        choice.tick()
        try output.flush()
    }

    private mutating func follow(_ change: Change) throws {
        if choice.wants(change.kind) { try tell(.connection(change), at: change.time) }
        let standing = ledger.standing(of: change.account)
        try observe(change.account, change.tuple, standing, at: change.time)
    }

    private mutating func observe(
        _ account: Int, _ tuple: Tuple, _ standing: Standing, at time: UInt64
    ) throws {
        guard let level = watch.observe(account, used: standing.used, usable: standing.usable)
        else { return }
        var alert = Alert(level: level, time: time, subject: .tuple(tuple), standing: standing)
        if level > 0 {
            alert.forecast = ledger.forecast(of: account, at: time)
            alert.longSearch = ledger.longSearch(of: account)
        }
        try tell(.alert(alert), at: time)
    }

    private mutating func tellFailures() throws {
        guard !untold.isEmpty else { return }
        for var failure in untold {
            ledger.diagnose(&failure, isKnown: true)
            try tell(.failure(failure), at: failure.time)
        }
        untold.removeAll(keepingCapacity: true)
    }

    private mutating func tell(_ event: Event, at time: UInt64) throws {
        line.clear()
        writer.write(event, at: time, in: surroundings, to: &line)
        written += line.bytes.count
        try output.append(line.bytes)
    }
}
