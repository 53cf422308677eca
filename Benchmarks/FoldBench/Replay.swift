import Events
import LinuxSystem
import PortModel
import Probe
import Report
import Tracing

/// A trace without a kernel: records are bytes in memory, and all that becomes of them is the tracer's
/// own, from decoding to the sink that writes events.
struct Replay: ~Copyable {
    /// A form in which events are written.
    struct Form {
        let level: EventChoice.Level
        let isJSON: Bool
        var name: String { level.rawValue + (isJSON ? "/json" : "") }

        static let all = [
            Form(level: .failures, isJSON: false), Form(level: .notable, isJSON: false),
            Form(level: .all, isJSON: false), Form(level: .all, isJSON: true),
        ]
    }

    private var pipeline: Pipeline
    private let sink: OutputSink
    private let poller: Poller
    /// Records that were none.
    private(set) var malformed = 0

    init(_ form: Form) throws(SystemError) {
        let poller = try Poller()
        let sink = OutputSink(
            try Output(creating: "/dev/null", ifFull: ""),
            writer: form.isJSON ? .json(JSONWriter()) : .text(TextWriter(colour: false)),
            options: OutputSink.Options(events: form.level))
        // The same on every host: no clock, and no name of /proc.
        let context = RenderContext(
            timestamps: Timestamps(realtimeOffset: 0, localOffset: 0), namespaceNames: [:],
            ownNamespace: nil, errnoName: errnoName)
        var pipeline = Pipeline(
            sinks: [sink], context: context, ownInode: Stories.inodes[0], naming: { _, _ in nil })
        pipeline.ledger.failures.awaitsReturns = true
        self.pipeline = pipeline
        self.sink = sink
        self.poller = poller
    }

    /// Ports held by now, and connects that have found none.
    var held: Int { pipeline.ledger.tuples.reduce(0) { $0 + $1.held } }
    var failed: Int { pipeline.ledger.tuples.reduce(0) { $0 + $1.totals.failed } }

    /// - Parameter bytes: one record, as the ring has it.
    // SAFETY: the bytes are decoded while they are lent.
    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        if let record = unsafe Record(bytes) { pipeline.take(record) } else { malformed += 1 }
    }

    /// Does what follows when the ring was read to its end.
    ///
    /// - Parameter isSecond: one has passed since the last time.
    mutating func settle(at now: UInt64, isSecond: Bool) throws(SystemError) {
        pipeline.now = now
        pipeline.settle(now: now)
        // In place of the kernel's bind table: no bind() of the stories keeps its port for long.
        for netns in pipeline.ledger.failingNamespaces {
            pipeline.ledger.setBound(PortSet(), in: netns)
        }
        pipeline.reportFailures()
        if isSecond { _ = pipeline.secondPassed(at: now, lost: 0) }
        try sink.flush(poller)
    }
}
