import Events
import Foundation
import LinuxSystem
import Report
import TestSupport
import Testing

@testable import PortModel
@testable import Tracing

/// Who reads of the events, and what is left out for whom.
@Suite struct SinkTests: ~Copyable {
    /// A sink that cannot finish.
    private final class BrokenSink: EventSink {
        let name: String
        private(set) var hasFinished = false

        init(_ name: String) { self.name = name }
        func take(_ event: Event, at time: UInt64, in context: RenderContext) {}
        func finish() throws(SystemError) {
            hasFinished = true
            throw SystemError("write \(name)", errno: ENOSPC, remedy: "")
        }
    }

    private let folder: TemporaryDirectory
    private let context = Scene.pipeline(CollectingSink()).context

    init() throws { folder = try TemporaryDirectory() }

    private func file(_ name: String) -> URL { folder.url.appending(path: name) }

    private func output(
        _ name: String, _ writer: EventWriter, _ options: OutputSink.Options
    ) throws -> OutputSink {
        OutputSink(
            try Output(creating: file(name).path, ifFull: ""), writer: writer, options: options)
    }

    private func lines(_ name: String) throws -> [String] {
        try String(contentsOf: file(name), encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private static let start = Event.start(
        Event.Start(version: "1", kernel: "6", hooks: ["inet_sock_set_state"]))

    private func summary(_ held: Int = 0) -> Summary {
        Summary(duration: 1_000_000, accuracy: Accuracy(), linesDropped: held)
    }

    /// Passes a start, `connections` connections, a failure, a second, a progress and a summary.
    private func run(_ sinks: [any EventSink], connections: UInt64 = 2) throws {
        var pipeline = Pipeline(
            sinks: sinks, context: context, ownInode: 11, naming: { _, _ in "host" })
        pipeline.report(Self.start, at: 1)
        pipeline.take(Scene.namespace())
        for socket in 1...connections {
            for record in Scene.opened(socket, at: 10 * socket) { pipeline.take(record) }
        }
        for record in Scene.failed(99, at: 10_000) { pipeline.take(record) }
        pipeline.reportFailures()
        _ = pipeline.secondPassed(at: Scene.second, lost: 0)
        pipeline.reportProgress(at: Scene.second, duration: Scene.second, Accuracy())
        _ = pipeline.finish(duration: Scene.second, Accuracy())
        if let failure = pipeline.sinks.finish() { throw failure }
    }

    private func events(_ name: String) throws -> [String] {
        try lines(name).map { line in
            String(line.dropFirst(#"{"event":""#.count).prefix { $0 != "\"" })
        }
    }

    @Test func aRecordingHasEverything() throws {
        try run([try OutputSink.recording(to: file("all").path)])
        #expect(
            try events("all") == [
                "start", "namespace", "open", "established", "open", "established", "open",
                "failure", "tick", "progress", "summary",
            ])
    }

    /// What each level leaves out, in the form for programs.
    @Test(arguments: [
        (EventChoice.Level.failures, ["start", "failure", "summary"]),
        (
            .notable,
            ["start", "namespace", "established", "established", "failure", "tick", "summary"]
        ),
        (nil, ["summary"]),
    ]) func aStreamHasWhatIsWanted(level: EventChoice.Level?, expected: [String]) throws {
        try run([try output("some", .json(JSONWriter()), OutputSink.Options(events: level))])
        #expect(try events("some") == expected)
    }

    @Test func aCommandHasNoStartAndMayDoWithoutSummary() throws {
        var options = OutputSink.Options(events: .failures)
        (options.start, options.summary) = (false, false)
        try run([try output("some", .json(JSONWriter()), options)])
        #expect(try events("some") == ["failure"])
    }

    /// For a person no more than ten ticks of a second, the fullest.
    @Test func textHasTheFullestTicksOnly() throws {
        let sink = try output(
            "text", .text(TextWriter(colour: false)), OutputSink.Options(events: .notable))
        // Too many connections to be written one by one.
        for index in 0..<30 {
            let change = Change(
                kind: .established, time: 1, place: index, tuple: Scene.tuple, localPort: 1,
                process: .unknown, held: 1, usable: 8)
            sink.take(change, in: context)
        }
        var ledger = Ledger()
        _ = ledger.apply(Scene.namespace())
        for index in 0..<15 as Range<UInt64> {
            for socket in 0...(index % 7) {
                var connection = Scene.connection(100 * index + socket + 1, at: 1)
                connection.tuple.remotePort = UInt16(1000 + index)
                _ = ledger.apply(.opened(connection))
                _ = ledger.apply(
                    .established(
                        socket: connection.socket, localPort: 40_000 + UInt16(socket), time: 2))
            }
        }
        sink.take(ledger.takeTicks(at: Scene.second), at: Scene.second, in: context)
        try sink.finish()
        let ticks = try lines("text").filter { $0.contains(" 1 s ") }
        #expect(
            ticks.count == 10 && ticks[0].contains("7/8") && !ticks.contains { $0.contains("1/8") })
    }

    /// From the first connection that it does not want until the ticks, a sink is not asked.
    @Test func onlyWhoMayWantConnectionsIsAsked() {
        let (counting, other) = (CollectingSink(), CollectingSink())
        var sinks = Sinks([counting, other])
        let change = Change(.opened, of: Scene.tuple)
        sinks.take(change, in: context)
        counting.takesConnections = false
        for _ in 0..<3 { sinks.take(change, in: context) }
        #expect(counting.events.count == 2 && other.events.count == 4)
        sinks.take(.lost(1), at: 1, in: context)
        #expect(counting.events.count == 3)
        counting.takesConnections = true
        sinks.take(change, in: context)
        #expect(counting.events.count == 3)
        sinks.take([], at: Scene.second, in: context)
        sinks.take(change, in: context)
        #expect(counting.events.count == 4 && other.events.count == 7)
    }

    /// As many as can be read, then none until fewer come; the first second of few is still rolled up.
    @Test func manyConnectionsAreRolledUp() throws {
        let sink = try output(
            "many", .json(JSONWriter()), OutputSink.Options(events: .notable))
        var sinks = Sinks([sink])
        for (second, count) in [30, 30, 5, 5].enumerated() {
            for index in 0..<count {
                var change = Change(.established, of: Scene.tuple)
                (change.time, change.localPort) = (UInt64(second) * Scene.second, UInt16(index + 1))
                sinks.take(change, in: context)
            }
            #expect(sinks.takeConnections == (count == 5))
            sinks.take([], at: UInt64(second + 1) * Scene.second, in: context)
        }
        try sink.finish()
        #expect(try events("many") == Array(repeating: "established", count: 20 + 5))
    }

    /// The report of a run is the one of its recording, byte for byte.
    @Test func aReportIsThatOfTheRecording() throws {
        let forms: [(String, ReportWriter.Form)] = [
            ("report.txt", .text(layout: Layout(), colour: false)), ("report.json", .json),
            ("report.html", .html),
        ]
        let files = try forms.map { try ReportFile(ReportFile.Target(path: file($0.0).path)) }
        try run([ReportSink(files), try OutputSink.recording(to: file("all").path)])
        var reader = RecordingReader()
        let bytes = Array(try Data(contentsOf: file("all")))
        try reader.take(bytes, count: bytes.count)
        let runs = try reader.finish()
        for (name, form) in forms {
            var text = TextBuffer()
            ReportWriter(form).write(runs, to: &text)
            #expect(try Data(contentsOf: file(name)) == Data(text.bytes), "\(name)")
        }
    }

    @Test func whatGoesWrongWithOneSinkDoesNotKeepBackTheOthers() throws {
        let broken = [BrokenSink("a"), BrokenSink("b")]
        let sinks = Sinks([broken[0], try OutputSink.recording(to: file("all").path), broken[1]])
        sinks.take(Self.start, at: 1, in: context)
        #expect(sinks.finish()?.description.hasPrefix("write a: ENOSPC") == true)
        #expect(broken.allSatisfy { $0.hasFinished })
        #expect(try events("all") == ["start"])
    }

    @Test func whatIsDiscardedLeavesNoFile() throws {
        let sinks = Sinks([try OutputSink.recording(to: file("all").path)])
        for sink in sinks.all { sink.discard() }
        #expect(!FileManager.default.fileExists(atPath: file("all").path))
    }
}
