import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// What can go wrong while connections come at full rate. Records are lost then, and told to be;
    /// the totals are exact all the same, and what is held is exact again soon.
    @Suite struct FaultTests {
        /// 4 MB hold what 22,000 connections tell, which is half a second's load.
        @Test func readerIsStopped() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let fault = try Fault("reader stopped for 3 s")
                let load = try fault.startLoad(["--duration", "4"])
                Foundation.Thread.sleep(forTimeInterval: 0.5)
                fault.tracer.withoutRunning { Foundation.Thread.sleep(forTimeInterval: 3) }
                try fault.expectExact(load)
            }
        }

        @Test func ringIsTooSmall() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let fault = try Fault("ring of 16 KiB", ["--ring-size", "16k"])
                try fault.expectExact(try fault.startLoad(["--duration", "2"]))
            }
        }

        /// Each process fails some thousand times a second, and its failures are lost, too.
        @Test func failuresAreLost() throws {
            var settings = ConnectLoop.fastSettings
            settings["ipv4/ip_local_port_range"] = "40000 40499"
            try PrivateNamespace.run(settings: settings) {
                let fault = try Fault("failures while stopped", ["--ring-size", "64k"])
                let load = try fault.startLoad(["--duration", "2"], destinations: 4)
                Foundation.Thread.sleep(forTimeInterval: 0.5)
                fault.tracer.withoutRunning { Foundation.Thread.sleep(forTimeInterval: 1) }
                let result = try fault.expectExact(load)
                #expect(result.failed > 1000)
            }
        }

        /// What the repair tells of each connection is what the kernel has, port by port.
        @Test func eachPortIsToldAgain() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let fault = try Fault(
                    "2,000 connections while stopped", ["--ring-size", "16k", "--events", "all"])
                let load = try fault.startLoad(["--connections", "2000"], destinations: 4)
                try fault.tracer.withoutRunning { try load.finish() }
                try fault.expectExact(load)
                let kernel = try KernelTable().clients(of: [Int(fault.port)])
                #expect(kernel.values.map(\.count).reduce(0, +) > 1900)
                #expect(fault.toldPorts == kernel)
            }
        }

        /// The kernel's own tool ends them one by one, and nobody reads.
        @Test func endsOfTimeWaitsAreLost() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let fault = try Fault(
                    "ss -K of 10,000 TIME_WAITs while stopped", ["--ring-size", "64k"],
                    before: ["--connections", "10000"])
                try fault.waitForTimeWaits()
                #expect(try fault.kernelCounts().values.reduce(0, +) > 9000)
                _ = try fault.tracer.withoutRunning {
                    try run("/usr/bin/ss", ["-K", "-t", "state", "time-wait"])
                }
                #expect(try fault.kernelCounts().values.reduce(0, +) == 1)
                try fault.expectExact()
            }
        }

        /// Neither the descriptors of walks nor anything else is there afterwards.
        @Test func nothingIsLeftBehind() throws {
            let (ids, before, after) = try PrivateNamespace.run(
                settings: ConnectLoop.fastSettings
            ) {
                let fault = try Fault("what is left", ["--ring-size", "16k"])
                let before = try fault.tracer.descriptors
                let load = try fault.startLoad(["--connections", "3000"])
                try fault.tracer.withoutRunning { try load.finish() }
                try fault.waitUntilExact()
                let after = try fault.tracer.descriptors
                _ = try fault.tracer.stop()
                return (Self.ids(in: after), before.map(\.target), after.map(\.target))
            }
            #expect(before.sorted() == after.sorted())
            #expect(!after.contains { $0.contains("bpf_iter") })
            #expect(ids.count > 15)
            for (kind, id) in ids {
                var exists = true
                for _ in 0..<200 where exists {
                    exists = try run("/usr/sbin/bpftool", [kind, "show", "id", id]).status == 0
                    if exists { Foundation.Thread.sleep(forTimeInterval: 0.1) }
                }
                #expect(!exists, "\(kind) \(id)")
            }
        }

        /// Of what BPF knows, as bpftool wants them.
        private static func ids(
            in descriptors: [(target: String, information: String)]
        ) -> [(kind: String, id: String)] {
            let kinds = ["prog_id": "prog", "map_id": "map", "link_id": "link"]
            return descriptors.flatMap { _, text in
                text.matches(of: /(prog_id|map_id|link_id):\t(\d+)/).map {
                    (kinds[String($0.1)] ?? "", String($0.2))
                }
            }
        }
    }
}

extension Tracer {
    /// Runs `body` while the kernel does not let the tracer run.
    func withoutRunning<Value>(_ body: () throws -> Value) rethrows -> Value {
        kill(processIdentifier, SIGSTOP)
        defer { kill(processIdentifier, SIGCONT) }
        return try body()
    }
}

/// A load as a process of its own, at full rate unless its arguments say otherwise.
final class Load: Sendable {
    private let process = Process()
    private let output = Pipe()

    init(_ arguments: [String]) throws {
        process.executableURL = portgauge
        process.arguments = ["load", "--in-place"] + arguments
        process.standardOutput = output
        try process.run()
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Waits for its end.
    func finish() throws {
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    /// What its sockets got, once.
    func result() throws -> (opened: Int, failed: Int) {
        try finish()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let match = try #require(text.firstMatch(of: /opened (\d+) failed (\d+)/))
        return (try #require(Int(match.1)), try #require(Int(match.2)))
    }
}

/// A tracer in a private namespace, in which one connection exists from before, and a load.
private struct Fault {
    let name: String
    let tracer: Tracer
    /// The port of the load, and of the one connection.
    let port: UInt16
    let lastingPort: UInt16
    private let netns: String
    private let lasting: Lasting

    /// An audit a second.
    private static let period = 1.0

    private final class Lasting {
        let listener: TCPSocket
        let client: TCPSocket

        init(_ listener: consuming TCPSocket, _ client: consuming TCPSocket) {
            self.listener = listener
            self.client = client
        }
    }

    /// Returns when what exists is in the counts.
    ///
    /// - Parameter before: a load that runs before the tracer does.
    init(_ name: String, _ arguments: [String] = [], before: [String]? = nil) throws {
        self.name = name
        // All else on the host has other ports.
        port = .random(in: 20_000..<25_000)
        lastingPort = port + 5000
        let server = try Endpoint("127.0.0.1", port: lastingPort)
        let listener = try TCPSocket(family: server)
        try listener.bind(to: server)
        try listener.listen()
        let client = try TCPSocket(family: server)
        try client.connect(to: server)
        lasting = Lasting(listener, client)
        netns = String(try PrivateNamespace.currentInode())
        let port = port
        if let before { try Load(["--port", "\(port)"] + before).finish() }
        tracer = try Tracer(
            [
                "--remote", "127.0.0.0/8:\(port)", "--remote", "127.0.0.1:\(lastingPort)",
                "--audit", "\(Self.period)",
            ] + arguments)
        try tracer.wait("an audit") { $0.contains { $0.name == "audit" } }
    }

    func startLoad(_ arguments: [String], destinations: Int = 64) throws -> Load {
        try Load(["--port", "\(port)", "--destinations", "\(destinations)"] + arguments)
    }

    /// What the kernel says each tuple holds. There may be hundreds of thousands.
    func kernelCounts() throws -> [TupleName: Int] {
        let program = """
            ss -Htan 'dport = :\(port) or dport = :\(lastingPort)' |
            awk '{ sub(/:[0-9]*$/, "", $4); sub(/:/, " ", $5); held[$4 " " $5]++ }
                 END { for (tuple in held) print tuple, held[tuple] }'
            """
        var counts: [TupleName: Int] = [:]
        for line in try run("/bin/sh", ["-c", program]).output.split(separator: "\n") {
            let columns = line.split(separator: " ")
            try #require(columns.count == 4)
            let tuple = TupleName(
                local: String(columns[0]), remote: String(columns[1]),
                remotePort: try #require(Int(columns[2])))
            counts[tuple] = Int(columns[3])
        }
        return counts
    }

    /// Until each connection of the load is in TIME_WAIT: a FIN that was dropped for want of room in a
    /// queue is sent again a while later.
    func waitForTimeWaits() throws {
        let others = ["-Htan", "exclude", "time-wait", "dport = :\(port)"]
        for _ in 0..<200 where try run("/usr/bin/ss", others).output != "" {
            Foundation.Thread.sleep(forTimeInterval: 0.1)
        }
    }

    /// By the events of each connection of the load: a repair tells a TIME_WAIT by its `close` alone.
    var toldPorts: [TupleName: Set<Int>] {
        var ports: [TupleName: Set<Int>] = [:]
        for event in tracer.events where event.tuple.remotePort == Int(port) {
            guard let local: Int = event["local_port"] else { continue }
            if event.name == "established" || event["time_wait"] == true {
                ports[event.tuple, default: []].insert(local)
            } else if event.name == "close" || event.name == "release" {
                ports[event.tuple]?.remove(local)
            }
        }
        return ports.filter { !$0.value.isEmpty }
    }

    /// Waits until the last ticks say what the kernel holds, and prints how long that took.
    func waitUntilExact() throws {
        let start = Date()
        var kernel = try kernelCounts()
        while !tracer.wait(on: netns, seconds: 1.5, until: { $0.counts == kernel }) {
            if Date().timeIntervalSince(start) > 20 {
                let told = tracer.view(of: netns).counts
                Issue.record("\(name): kernel \(kernel), tracer \(told)")
                return
            }
            kernel = try kernelCounts()
        }
        let seconds = Date().timeIntervalSince(start)
        print("\(name): exact \(Int(seconds * 1000)) ms after its end, at the next tick")
    }

    /// Waits until the counts are exact and an audit has found nothing, then ends the tracer: the
    /// loss was told, and the totals are those of the load.
    @discardableResult
    func expectExact(_ load: Load? = nil) throws -> (opened: Int, failed: Int) {
        let result = try load?.result() ?? (opened: 0, failed: 0)
        try waitUntilExact()
        try tracer.wait("a loss") { $0.contains { $0.name == "lost" } }
        // The one that made the counts exact may come after them.
        let audits = tracer.events.count { $0.name == "audit" }
        try tracer.wait("an audit that finds nothing") { events in
            events.filter { $0.name == "audit" }.dropFirst(audits).contains { $0["drift"] == 0 }
        }

        let kernel = try kernelCounts()
        let summary = try tracer.stop()
        #expect(summary.heldAtEnd == kernel)
        let told = tracer.events.reduce(0) { $0 + ($1.name == "lost" ? $1["count"] ?? 0 : 0) }
        let lost: Int = summary.event["lost"] ?? 0
        #expect(lost > 0 && told == lost)
        #expect(summary.event["repairs"] ?? 0 >= 1)
        #expect(summary.event["complete"] == false)
        #expect(summary.event["last_drift"] == 0)
        #expect(summary.event["opened"] == result.opened)
        #expect(summary.event["failed"] == result.failed)
        let drifts = tracer.events.compactMap { $0["drift"] as Int? }.filter { $0 != 0 }
        print("\(name): \(lost) lost, \(result), drifts \(drifts)")
        return result
    }
}
