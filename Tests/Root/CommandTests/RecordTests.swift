import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// A recording has it all: what is made of it is what the tracer itself has reported.
    @Suite struct RecordTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0",
        ]

        /// Files of one test, which go with it.
        private final class Folder {
            let path = FileManager.default.temporaryDirectory
                .appending(path: "portgauge-record-\(UUID().uuidString)").path

            init() throws {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: false)
            }

            deinit { try? FileManager.default.removeItem(atPath: path) }

            func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

            var contents: [String] {
                get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
            }
        }

        private func text(_ path: String) throws -> String {
            try String(contentsOfFile: path, encoding: .utf8)
        }

        private func report(_ arguments: String...) throws -> (
            status: Int32, output: String, errors: String
        ) { try run(portgauge.path, ["report"] + arguments) }

        /// Ports that are used up, failing connects, and a refused one.
        private func record(_ folder: Folder, _ arguments: [String] = []) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let server = try Family.v4.endpoint(8080)
                let listener = try TCPSocket(family: server)
                try listener.bind(to: server, reuseAddress: true)
                try listener.listen()
                let tracer = try Tracer(
                    ["--record", folder("run.jsonl"), "--report", folder("live.txt")] + arguments)
                for _ in 0..<8 {
                    let client = try TCPSocket(family: server)
                    try client.connect(to: server)
                    let peer = try listener.accept()
                    try client.close()
                    try peer.waitForEnd()
                    try peer.close()
                }
                for _ in 0..<5 {
                    let late = try TCPSocket(family: server)
                    #expect(throws: SystemError.self) { try late.connect(to: server) }
                }
                let nobody = try TCPSocket(family: server)
                #expect(throws: SystemError.self) { try nobody.connect(to: server.with(port: 9)) }
                try tracer.wait("all failures") {
                    $0.filter { $0.name == "failure" }.reduce(0) { $0 + ($1["count"] ?? 0) } == 5
                }
                _ = try tracer.stop()
            }
        }

        @Test func theReportIsThatOfTheRun() throws {
            let folder = try Folder()
            try record(folder)
            let live = try text(folder("live.txt"))
            #expect(live.contains("5 failed for want of a port"))
            let again = try report(folder("run.jsonl"))
            #expect(again.output == live && again.errors == "" && again.status == 0)
            #expect(!live.contains("breaks off"))
            #expect(try folder.contents == ["live.txt", "run.jsonl"])
            // Whatever it was that the terminal showed, each event is there.
            let events = try text(folder("run.jsonl")).split(separator: "\n").map {
                try Event(String($0))
            }
            #expect(
                Set(events.map(\.name)).isSuperset(of: [
                    "start", "open", "established", "close", "tick", "failure", "alert", "progress",
                    "namespace", "audit", "summary",
                ]))
        }

        @Test func asJSONToo() throws {
            let folder = try Folder()
            try record(folder, ["--events", "failures", "--report", folder("live.json")])
            let live = try text(folder("live.json"))
            let again = try report("--format", "json", folder("run.jsonl"))
            #expect(again.output == live)
            let parsed = try Event(live)
            let hosts: [[String: any Sendable]] = try #require(parsed["hosts"])
            let summary = try #require(hosts[0]["summary"] as? [String: any Sendable])
            #expect(summary["failed"] as? Int == 5)
        }

        /// Wherever it was cut, there is a report, and it says so.
        @Test func aKilledOneMakesAReport() throws {
            let folder = try Folder()
            try record(folder)
            let bytes = try Data(contentsOf: URL(filePath: folder("run.jsonl")))
            let newlines = bytes.indices.filter { bytes[$0] == 0x0a }
            let first = newlines[0] + 1
            var cuts = [first, first + 1, bytes.count - 1, bytes.count - 2]
            for part in 1...6 { cuts.append(first + (bytes.count - first) * part / 7) }
            for newline in newlines.suffix(3) { cuts += [newline, newline + 1, newline + 2] }
            for cut in cuts where cut <= bytes.count {
                try bytes.prefix(cut).write(to: URL(filePath: folder("cut.jsonl")))
                let result = try report(folder("cut.jsonl"))
                #expect(result.status == 0 && result.errors == "", "\(cut)")
                #expect(
                    result.output.contains("breaks off") == (cut < bytes.count - 1), "\(cut)")
                let isWhole =
                    bytes[cut - 1] == 0x0a || cut == bytes.count || bytes[cut] == 0x0a
                #expect(result.output.contains("cut off") == !isWhole, "\(cut)")
            }
        }

        @Test func killedItLeavesNothingElse() throws {
            let folder = try Folder()
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try Tracer(
                    ["--record", folder("run.jsonl"), "--report", folder("live.txt")])
                let server = try Family.v4.endpoint(9)
                for _ in 0..<20 {
                    let client = try TCPSocket(family: server)
                    #expect(throws: SystemError.self) { try client.connect(to: server) }
                }
                try tracer.wait("a tick") { $0.contains { $0.name == "tick" } }
                tracer.kill9()
            }
            #expect(try folder.contents == ["run.jsonl"])
            let result = try report(folder("run.jsonl"))
            #expect(result.status == 0 && result.output.contains("breaks off"))
            #expect(result.output.contains(" → 127.0.0.1:9"))
        }

        /// Whole lines, as far as there is space; a report of them; and the reason.
        @Test func theDiskIsFull() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let tracer = try SmallDisk(
                    [
                        "--output", "json", "--events", "failures", "--record", "/mnt/run.jsonl",
                        "--comm", "pg-record",
                    ])
                let recording = try #require(tracer.file("run.jsonl"))
                try run(
                    portgauge.path,
                    [
                        "load", "--in-place", "--connections", "2000", "--rate", "2000",
                        "--destinations", "1", "--name", "pg-record",
                    ])
                let result = try tracer.finish()
                #expect(result.status == 1)
                #expect(result.errors.hasPrefix("portgauge: write /mnt/run.jsonl: ENOSPC ("))
                #expect(result.errors.split(separator: "\n").count == 1)
                let bytes = recording.readDataToEndOfFile()
                #expect(bytes.count > 100 << 10)
                let folder = try Folder()
                try bytes.write(to: URL(filePath: folder("run.jsonl")))
                let report = try report(folder("run.jsonl"))
                #expect(report.status == 0 && report.output.contains("breaks off"))
                #expect(!report.output.contains("could not be read"))
            }
        }

        @Test func standardOutputIsTheRecordingAlone() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let result = try run(portgauge.path, ["--record", "-", "--duration", "1.5"])
                #expect(result.status == 0)
                let events = try result.output.split(separator: "\n").map { try Event(String($0)) }
                #expect(events.first?.name == "start" && events.last?.name == "summary")
                #expect(result.errors.contains("Summary of 1.5 s"))
            }
        }
    }
}

/// What cannot be done is said in one line, and leaves nothing behind.
@Suite struct BadRecordingTests {
    private func refused(_ arguments: [String], input: String? = nil) throws -> String {
        let result = try run(portgauge.path, arguments)
        #expect(result.status == 1 && result.output == "", "\(arguments)")
        #expect(result.errors.hasPrefix("portgauge: ") && result.errors.hasSuffix("\n"))
        #expect(result.errors.split(separator: "\n").count == 1)
        return result.errors
    }

    private func withFile(_ text: String, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { unlink(path) }
        try body(path)
    }

    @Test func missing() throws {
        #expect(
            try refused(["report", "/nowhere/x.jsonl"]).contains("ENOENT (there is no such file)"))
        #expect(try refused(["report", "/tmp"]).contains("EISDIR"))
    }

    @Test(arguments: [
        ("", "it is empty"), ("hello\n", "it is no recording"), ("{}\n", "it is no recording"),
        (
            #"{"event":"start","format":2,"version":"9.9.9"}"# + "\n",
            "portgauge 9.9.9 wrote it"
        ),
    ]) func foreign(text: String, expected: String) throws {
        try withFile(text) { path in
            let errors = try refused(["report", path])
            #expect(errors.contains(expected))
        }
    }

    @Test(arguments: [
        ["--record", "-", "--output", "json"], ["--record", ""], ["--report", "-"],
        ["--record", "x", "--report", "x"],
    ]) func nonsense(arguments: [String]) throws {
        let result = try run(portgauge.path, arguments)
        #expect(result.status == 64 && result.output == "")
        #expect(result.errors.hasPrefix("Error: "))
        #expect(!FileManager.default.fileExists(atPath: "x"))
    }

    @Test(arguments: ["--record", "--report"]) func noFolder(option: String) throws {
        #expect(
            try refused([option, "/nowhere/x", "--duration", "1"])
                .contains("write /nowhere/x: ENOENT (check that its directory is there"))
    }

    @Test func nothingIsMadeWhereNothingCanBeTraced() throws {
        try withFile("kept") { path in
            // Root without any capability.
            let result = try run(
                "/usr/bin/setpriv",
                [
                    "--bounding-set=-all", "--inh-caps=-all", portgauge.path, "--record", path,
                    "--duration", "1",
                ])
            #expect(result.status == 1)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "kept")
        }
    }
}
