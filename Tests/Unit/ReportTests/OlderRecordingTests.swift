import Events
import Foundation
import Report
import Testing

/// What an older version has recorded makes the report that it made then, byte for byte.
@Suite struct OlderRecordingTests {
    private func bytes(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "Recordings/\(name)")))
    }

    /// Sixteen ports, of which connects and binds run out, as 0.1.0 has recorded and reported it.
    @Test(arguments: ["txt", "json"]) func reportsAreThoseOfThen(form: String) throws {
        var reader = RecordingReader()
        let recording = try bytes("0.1.0.jsonl")
        try reader.take(recording, count: recording.count)
        var report = TextBuffer()
        ReportWriter(
            form == "json" ? .json : .text(layout: Layout(columns: 100), colour: false)
        ).write(try reader.finish(), to: &report)
        #expect(String(report) == String(decoding: try bytes("0.1.0.\(form)"), as: UTF8.self))
    }
}
