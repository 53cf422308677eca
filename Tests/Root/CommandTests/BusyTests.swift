import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// More threads than CPUs, all connecting: the kernel skips a tracing program that is
    /// interrupted by itself, and nobody is told.
    @Suite struct BusyTests {
        private static let name = "pg-busy"
        private static let bursts = 8
        /// Few enough for the ring to hold them all, however late the reader is.
        private static let connections = 5000
        /// Connects that the kernel may run no program for when they are answered, one in 2,000: less
        /// than a single softirq brings.
        private static let unseen = 0...bursts * connections / 2000

        @Test func everyConnectIsTold() throws {
            let file = "/tmp/portgauge-busy-\(getpid()).jsonl"
            defer { unlink(file) }
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                // To a file, whose lines `grep` counts: to parse them all takes minutes in emulation.
                let tracer = Process()
                tracer.executableURL = portgauge
                tracer.arguments = ["--output", "json", "--events", "all", "--comm", Self.name]
                #expect(FileManager.default.createFile(atPath: file, contents: nil))
                tracer.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
                try tracer.run()
                defer { if tracer.isRunning { kill(tracer.processIdentifier, SIGKILL) } }
                while try size(of: file) == 0, tracer.isRunning { pause(0.1) }
                pause(0.5)

                var connects = 0
                for _ in 0..<Self.bursts {
                    let load = try run(
                        portgauge.path,
                        [
                            "load", "--in-place", "--name", Self.name, "--clients", "4",
                            "--servers", "2", "--connections", "\(Self.connections)",
                        ])
                    let opened = load.output.firstMatch(of: /opened (\d+) failed 0/)
                    connects += try #require(opened.flatMap { Int($0.1) })
                    var before = -1
                    while try size(of: file) != before {
                        before = try size(of: file)
                        pause(0.5)
                    }
                }
                // A FIN that was dropped for want of room in a queue is sent again a while later.
                var table = try KernelTable()
                let deadline = Date(timeIntervalSinceNow: 20)
                while table.rows.contains(where: isClosing), Date() < deadline {
                    pause(0.2)
                    table = try KernelTable()
                }
                let kernel = table.clients(of: [Int(Scene.port)])
                kill(tracer.processIdentifier, SIGINT)
                tracer.waitUntilExit()
                #expect(tracer.terminationStatus == 0)
                // A minute after the first connects, TIME_WAITs end between one look and the next.
                let later = try KernelTable().clients(of: [Int(Scene.port)])

                let last = try Event(run("/usr/bin/tail", ["-n", "1", file]).output)
                let netns = String(try PrivateNamespace.currentInode())
                let summary = Summary(event: last, namespaces: Tracer.names(of: netns, in: [last]))
                let told = try ["open", "established", "close"].map { try count($0, in: file) }
                print("told \(told[0])/\(connects)")
                #expect(summary.event["lost"] == 0)
                #expect(told[0] == connects)
                #expect(Self.unseen.contains(connects - told[1]))
                #expect(told[2] == connects)
                let held = summary.heldAtEnd
                for tuple in Set(held.keys).union(kernel.keys) {
                    let (most, least) = (kernel[tuple]?.count ?? 0, later[tuple]?.count ?? 0)
                    #expect((least...max(least, most)).contains(held[tuple] ?? 0), "\(tuple)")
                }
            }
        }

        private func isClosing(_ row: KernelTable.Row) -> Bool {
            row.remotePort == Int(Scene.port) && row.state != "TIME-WAIT"
        }

        private func pause(_ seconds: Double) { Foundation.Thread.sleep(forTimeInterval: seconds) }

        private func size(of file: String) throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: file)
            return try #require(attributes[.size] as? Int)
        }

        private func count(_ event: String, in file: String) throws -> Int {
            let found = try run("/usr/bin/grep", ["-c", "^{\"event\":\"\(event)\"", file]).output
            return try #require(Int(found.trimmingCharacters(in: .newlines)))
        }
    }
}
