import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// Whatever becomes of the output, the counts are exact and the memory is bounded; what could
    /// not be written is in the summary.
    @Suite struct OutputTests {
        private static let connections = 10_000
        /// Records that the kernel may leave out, as it skips a program that it has interrupted.
        private static let skipped = 0...4
        /// Lines that tell of no connection, such as the start and a tick each second, less those.
        private static let others = -4...300
        /// A port is not taken again, which would be one more line.
        private static let settings = ConnectLoop.fastSettings.merging(["ipv4/tcp_tw_reuse": "0"]) {
            $1
        }
        /// Of the load, told from all else that happens on the host: 15 bytes at most.
        private static let name = "pg-load-\(getpid())"

        /// Connections of one tuple, each of them opened, established and closed.
        private func generateLoad(_ connections: Int = connections) throws {
            let result = try run(
                portgauge.path,
                [
                    "load", "--in-place", "--connections", "\(connections)", "--rate", "8000",
                    "--destinations", "1", "--name", Self.name,
                ])
            #expect(result.output.hasPrefix("opened \(connections) failed 0 "))
        }

        /// The summary is right, and knows how many lines are missing before it.
        private func check(_ lines: [Event], connections: Int, _ kernel: KernelTable) throws {
            let summary = try #require(lines.last)
            #expect(summary.name == "summary")
            #expect(summary["lost"] == 0)
            #expect(summary["opened"] == connections)
            let closed: Int = summary["closed"] ?? 0
            #expect(Self.skipped.contains(connections - closed))
            #expect(summary["held"] == kernel.clients(of: [8080]).values.map(\.count).reduce(0, +))
            let dropped: Int = summary["lines_dropped"] ?? 0
            #expect(dropped > Self.connections)
            #expect(Self.others.contains(lines.count + dropped - 3 * connections))
        }

        private static let json = ["--events", "all", "--output", "json", "--comm", name]

        @Test(arguments: StuckReader.Sink.allCases)
        func readerIsStuck(_ sink: StuckReader.Sink) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try StuckReader(sink, Self.json)
                let memory = try tracer.memory
                try generateLoad()
                Foundation.Thread.sleep(forTimeInterval: 0.1)
                // 6 MB of output have come together.
                #expect(try tracer.memory - memory < 5 << 10)
                // Once it has taken all that has come, it rests.
                let rests = try (0..<20).contains { _ in
                    let used = try tracer.processorTime
                    Foundation.Thread.sleep(forTimeInterval: 0.5)
                    return try tracer.processorTime - used < 0.1
                }
                #expect(rests)

                let kernel = try KernelTable()
                tracer.interrupt()
                Foundation.Thread.sleep(forTimeInterval: 0.3)
                #expect(tracer.isRunning)
                let lines = try tracer.finish().map(Event.init)
                try check(lines, connections: Self.connections, kernel)
            }
        }

        @Test func readerGoesOn() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try StuckReader(.pipe, ["--events", "all", "--comm", Self.name])
                try generateLoad()
                tracer.catchUp()
                try generateLoad(500)
                tracer.interrupt()
                let lines = try tracer.finish()
                let end = try #require(lines.lastIndex { $0.hasPrefix("Summary of") })
                let line = try #require(lines.last { $0.contains("lines of output dropped") })
                let match = try #require(line.firstMatch(of: /([0-9,]+) lines of output dropped/))
                let dropped = try #require(Int(match.1.filter { $0 != "," }))
                #expect(dropped > Self.connections)
                let total = Self.connections + 500
                #expect(Self.others.contains(end + dropped - 3 * total))
                #expect(lines.contains { $0.contains(" \(total / 1000),500 opened, ") })
            }
        }

        @Test func diskIsFullForAWhile() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try SmallDisk(Self.json)
                try generateLoad()
                try tracer.makeSpace()
                try generateLoad(100)
                let kernel = try KernelTable()
                let result = try tracer.finish()
                #expect(result.status == 0 && result.errors == "")
                // Whole lines: those of the end follow on those of the beginning.
                let lines = try result.output.split(separator: "\n").map { try Event(String($0)) }
                try check(lines, connections: Self.connections + 100, kernel)
            }
        }

        @Test func diskIsFullAtTheEnd() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try SmallDisk(Self.json)
                try generateLoad(2000)
                let result = try tracer.finish()
                #expect(result.status == 1)
                #expect(result.errors.hasPrefix("portgauge: write standard output: ENOSPC ("))
                #expect(result.errors.split(separator: "\n").count == 1)
                #expect(result.output.utf8.count == 128 << 10)
                let lines = result.output.split(separator: "\n")
                for line in lines.dropLast() { _ = try Event(String(line)) }
            }
        }

        /// The first Ctrl-C ends the trace, the second one the wait for the reader.
        @Test func interruptedTwice() throws {
            var ends: (master: Int32, slave: Int32) = (-1, -1)
            try #require(openpty(&ends.master, &ends.slave, nil, nil, nil) == 0)
            let terminal = FileHandle(fileDescriptor: ends.master, closeOnDealloc: true)
            let errors = FileHandle(fileDescriptor: ends.slave, closeOnDealloc: true)
            try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try StuckReader(.pipe, Self.json, terminal: errors)
                try generateLoad(1000)
                tracer.interrupt()
                var ready = pollfd(
                    fd: terminal.fileDescriptor, events: Int16(POLLIN), revents: 0)
                try #require(poll(&ready, 1, 5000) == 1)
                let advice = String(decoding: terminal.availableData, as: UTF8.self)
                #expect(advice.contains("the summary waits for its reader; Ctrl-C ends without it"))
                #expect(tracer.isRunning)
                tracer.interrupt()
                #expect(tracer.exitStatus == -SIGINT)
            }
        }
    }
}
