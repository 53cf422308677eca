import PortModel

/// What is reported to the person or the script that reads along: a line of text, or of JSON.
package enum Event: Sendable {
    case start(Start)
    case connection(Change)
    case failure(Failure)
    case alert(Alert)
    case portsBack(Recovery)
    case tick(Tick)
    /// How a pool that bind() chooses from stands, each second in which it changes.
    case bindPool(BindPoolUsage)
    /// Records the ring had no room for, since the last time it was said.
    case lost(Int)
    /// The ledger was checked against the kernel's table.
    case audit(Audit)
    case namespace(NamespaceNews)
    /// The report on exit.
    case summary(Summary)
    /// The same while tracing goes on, for recordings that break off.
    case progress(Summary)
    case snapshot(Snapshot)
}

/// An event and its time: CLOCK_MONOTONIC nanoseconds, or since 1970 when it was read.
package struct TimedEvent: FieldGroup {
    package var event: Event
    package var time: UInt64

    package init(_ event: Event, at time: UInt64) {
        self.event = event
        self.time =
            switch event {
            case .connection(let change): change.time
            case .failure(let failure): failure.time
            default: time
            }
    }

    package static let blanks = Event.blanks.filter {
        if case .progress = $0 { false } else { true }
    }.map { TimedEvent($0, at: 0) }
    package var definition: String { event.names[0] }

    package var what: String {
        switch event {
        case .start: "The hooks are attached. Always the first object."
        case .connection(let change): change.kind.what
        case .failure(let failure): failure.what
        case .alert(let alert): alert.what
        case .portsBack(let recovery): recovery.what
        case .tick: "Once a second for each tuple in which anything changed."
        case .bindPool: "Once a second for each local address that bind() chose ports of."
        case .lost: "The ring buffer was full. A later `audit` tells of the counts' repair."
        case .audit: "The counts were compared with the kernel's table, and corrected."
        case .namespace: "A network namespace has its first connection, other settings, or is gone."
        case .summary, .progress:
            "`summary`: the report on exit, always the last object. `progress`: the same now and then "
                + "in a recording, with fewer tuples, in case it breaks off."
        case .snapshot: "What `portgauge snapshot` prints: what is held, and what is left."
        }
    }

    private var timeText: String {
        switch event {
        case .failure: "When the last of these failures happened: "
        case .tick, .bindPool: "End of that second: "
        default: "When it happened: "
        }
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        // Of one that is read, it is known already.
        if !v.reads { v.derived("event", event, .tag(), "The kind of this object.") }
        let timeText = timeText
        v.field("time", &time, .time, timeText + Time.look)
        event.fields(&v, at: time)
    }
}

extension Event: Kind {
    package static let blanks: [Event] =
        [.start(.blank)] + Change.blanks.map { .connection($0) }
        + Failure.blanks.map { .failure($0) } + Alert.blanks.map { .alert($0) }
        + Recovery.blanks.map { .portsBack($0) }
        + [
            .tick(.blank), .bindPool(.blank), .lost(0), .audit(.blank), .namespace(.blank),
            .summary(.blank), .progress(.blank), .snapshot(.blank),
        ]

    static let blankNames = blanks.map(\.name)

    package var name: StaticString {
        switch self {
        case .start: "start"
        case .connection(let change): change.kind.name
        case .failure: "failure"
        case .alert: "alert"
        case .portsBack: "ports_back"
        case .tick: "tick"
        case .bindPool: "bind_pool"
        case .lost: "lost"
        case .audit: "audit"
        case .namespace: "namespace"
        case .summary: "summary"
        case .progress: "progress"
        case .snapshot: "snapshot"
        }
    }

    /// A summary and a progress have the same fields, and one schema.
    package var names: [String] {
        if case .summary = self { ["summary", "progress"] } else { ["\(name)"] }
    }

    /// - Parameter time: when it happened.
    fileprivate mutating func fields(_ v: inout some FieldVisitor, at time: UInt64) {
        switch self {
        case .start(let start): self = .start(v.over(start))
        case .connection(var change):
            change.fields(&v)
            change.time = time
            self = .connection(change)
        case .failure(var failure):
            failure.fields(&v)
            failure.time = time
            self = .failure(failure)
        case .alert(var alert):
            alert.fields(&v)
            if v.reads { alert.time = time }
            self = .alert(alert)
        case .portsBack(let recovery): self = .portsBack(v.over(recovery))
        case .tick(let tick): self = .tick(v.over(tick))
        case .bindPool(let pool): self = .bindPool(v.over(pool))
        case .lost(var count):
            v.field("count", &count, .integer(1), "Records lost since the last `lost`.")
            self = .lost(count)
        case .audit(let audit): self = .audit(v.over(audit))
        case .namespace(let news): self = .namespace(v.over(news))
        case .summary(let summary): self = .summary(v.over(summary))
        case .progress(let summary): self = .progress(v.over(summary))
        case .snapshot(let snapshot): self = .snapshot(v.over(snapshot))
        }
    }
}

extension FieldVisitor {
    /// Goes over the fields of what an event tells.
    fileprivate mutating func over<T: FieldList>(_ value: T) -> T {
        var value = value
        value.fields(&self)
        return value
    }
}
