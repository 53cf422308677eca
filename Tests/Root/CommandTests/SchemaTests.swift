import Foundation
import LinuxSystem
import LoadGenerator
import Testing

/// Each line the binary writes is as the published schema says.
extension LiveTests {
    @Suite struct SchemaTests {
        private static let schema = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
            .appendingPathComponent("schema/event.schema.json").path

        /// Prints what is wrong, a line each.
        private static let validate = """
            import json, sys
            from jsonschema import Draft202012Validator
            check = Draft202012Validator(json.load(open(sys.argv[1])))
            for number, line in enumerate(open(sys.argv[2]), 1):
                for error in check.iter_errors(json.loads(line)):
                    print(number, error.message, line)
            """

        private func complaints(about lines: [String]) throws -> String {
            let file = "/tmp/portgauge-schema-\(getpid()).jsonl"
            try (lines.joined(separator: "\n") + "\n").write(
                toFile: file, atomically: true, encoding: .utf8)
            defer { unlink(file) }
            let result = try run("/usr/bin/python3", ["-c", Self.validate, Self.schema, file])
            #expect(result.status == 0, "\(result.errors)")
            return result.output
        }

        @Test func eachKindOfEvent() throws {
            let settings = [
                "ipv4/ip_local_port_range": "40000 40003", "ipv4/tcp_tw_reuse": "0",
            ]
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                try scene.leaveTimeWaits(4)
                let late = try TCPSocket(family: scene.server)
                #expect(throws: SystemError.self) { try late.connect(to: scene.server) }
                let nobody = try TCPSocket(family: scene.server)
                #expect(throws: SystemError.self) {
                    try nobody.connect(to: scene.server.with(port: 9))
                }
                try scene.tracer.wait("a tick") { $0.contains { $0.name == "tick" } }
                try run("/usr/bin/ss", ["-K", "-t", "state", "time-wait"])
                try scene.tracer.wait("recovery") { $0.contains { $0["level"] == 0 } }
                let summary = try scene.tracer.stop()
                let events = scene.tracer.events
                #expect(
                    Set(events.map(\.name)) == [
                        "start", "open", "established", "close", "release", "failure", "alert",
                        "tick", "namespace", "audit", "summary",
                    ])
                #expect(try complaints(about: events.map(\.text)) == "")
                // And it would complain.
                let broken = summary.event.text.replacingOccurrences(
                    of: "\"lost\":", with: "\"l\":")
                #expect(try complaints(about: [broken]) != "")
            }
        }
    }
}
