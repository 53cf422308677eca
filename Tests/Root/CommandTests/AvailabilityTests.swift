import Foundation
import LinuxSystem
import LoadGenerator
import Synchronization
import TestSupport
import Testing

extension LiveTests {
    /// What is said to be left, against how many connects then really succeed.
    @Suite struct AvailabilityTests {
        /// Random cases, PORTGAUGE_CASES of them; only that of a seed that was printed with
        /// PORTGAUGE_SEED.
        private static let cases =
            ProcessInfo.processInfo.environment["PORTGAUGE_CASES"].flatMap { Int($0) }
            ?? (SeededGenerator.wished == nil ? 500 : 1)

        /// As many namespaces stand at once, for one look at them all.
        private static let atOnce = 10

        @Test func connectsSucceedAsLongAsSomethingIsLeft() throws {
            try OpenFileLimit.raise(toHold: 4096)
            let tracer = try Tracer(["--events", "failures", "--audit", "0"])
            var tally = Tally()
            var number = 0
            while number < Self.cases {
                let seeds = (0..<min(Self.atOnce, Self.cases - number)).map { _ in
                    SeededGenerator.wished ?? UInt64.random(in: 100 ... .max)
                }
                let batch = Batch()
                let first = number
                // On a busy machine it may come to the whole of it late.
                let isLate = number / Self.atOnce % 2 == 1
                if isLate { kill(tracer.processIdentifier, SIGSTOP) }
                let threads = try seeds.enumerated().map { index, seed in
                    try LinuxSystem.Thread {
                        Result { try batch.run(seed, number: first + index, tracer) }
                    }
                }
                let look = Result { try batch.look(after: seeds.count) }
                if isLate { kill(tracer.processIdentifier, SIGCONT) }
                try look.get()
                for (seed, thread) in zip(seeds, threads) {
                    check(
                        try thread.join().get(), "seed \(seed): \(PortScene.settings(seed))", &tally
                    )
                }
                number += seeds.count
            }
            print("\(Self.cases) cases, \(tally)")
            _ = try tracer.stop()
        }

        private func check(_ scene: Outcome, _ what: String, _ tally: inout Tally) {
            let lacking = scene.foretold - scene.connects
            // In an odd-sized range the kernel's search passes over one port.
            let mayLack = scene.isOdd && scene.foretold > 0 ? 0...1 : 0...0
            #expect(mayLack.contains(lacking), "\(what): \(scene.foretold) left")
            #expect(scene.failure["available"] == lacking, "\(what): \(scene.failure)")
            let cause: String = scene.failure["cause"] ?? "none"
            #expect(["exhausted", "blocked"].contains(cause), "\(what): \(scene.failure)")
            tally.add(cause, passedOver: lacking, reusable: scene.reusable > 0)
        }
    }
}

private struct Outcome: Sendable {
    var isOdd: Bool
    /// What `portgauge snapshot` said was left, and how many TIME_WAITs of that are to be used again.
    var foretold: Int
    var reusable: Int
    /// How many succeeded, and what the tracer said of the first that did not.
    var connects: Int
    var failure: Event
}

/// Scenes in a namespace and a thread each, and one look at them all while they stand.
private final class Batch: Sendable {
    private let usage = DispatchSemaphore(value: 0)
    private let seen = DispatchSemaphore(value: 0)
    private let connected = DispatchSemaphore(value: 0)
    private let look = Mutex<Look?>(nil)
    /// One after the other: many threads that connect at once are another test's matter.
    private let turn = Mutex(())

    /// Waits for a look.
    func run(_ seed: UInt64, number: Int, _ tracer: Tracer) throws -> Outcome {
        let settings = PortScene.settings(seed)
        let scene = Result {
            try PrivateNamespace.enter(settings: settings)
            return try PortScene(seed: seed, number: number, settings)
        }
        usage.signal()
        seen.wait()
        let connects = Result {
            try turn.withLock { _ in try scene.get().connectUntilItFails() }
        }
        connected.signal()
        let look = try #require(look.withLock { $0 })
        let prepared = try scene.get()
        let (foretold, reusable) = try look.left(towards: prepared.remote)
        // It still stands when the tracer looks which ports a bind() holds.
        return try withExtendedLifetime(prepared) {
            Outcome(
                isOdd: prepared.isOdd, foretold: foretold, reusable: reusable,
                connects: try connects.get(),
                failure: try tracer.failure(towards: prepared.remote))
        }
    }

    /// Returns when all have connected.
    func look(after scenes: Int) throws {
        for _ in 0..<scenes { usage.wait() }
        defer {
            for _ in 0..<scenes { seen.signal() }
            for _ in 0..<scenes { connected.wait() }
        }
        // Until the TIME_WAITs that ever may be used again may be.
        Foundation.Thread.sleep(forTimeInterval: Kernel.hasReuseDelay ? 0.02 : 1.1)
        let taken = try Look.taken()
        look.withLock { $0 = taken }
    }
}

private struct Tally: CustomStringConvertible {
    private var passedOver = 0
    private var reusable = 0
    private var causes: [String: Int] = [:]

    mutating func add(_ cause: String, passedOver ports: Int, reusable isReusable: Bool) {
        passedOver += ports
        reusable += isReusable ? 1 : 0
        causes[cause, default: 0] += 1
    }

    var description: String {
        "\(reusable) with TIME_WAITs to be used again, \(passedOver) ports of odd ranges passed over, "
            + "\(causes)"
    }
}

extension Tracer {
    fileprivate func failure(towards remote: String) throws -> Event {
        let isIt = { (event: Event) in event.name == "failure" && event["remote"] == remote }
        let events = try waitAnywhere("a failure towards \(remote)") { $0.contains(where: isIt) }
        return try #require(events.last(where: isIt))
    }
}

/// What `portgauge snapshot` says.
private struct Look: Sendable {
    private var tuples: [[String: any Sendable]] = []
    private var namespaces: [[String: any Sendable]] = []

    static func taken() throws -> Look {
        let result = try run(portgauge.path, ["snapshot", "--output", "json"])
        #expect(result.status == 0 && result.errors == "")
        let event = try Event(result.output)
        #expect(event["source"] == "bpf")
        var look = Look()
        look.tuples = event["tuples"] ?? []
        look.namespaces = event["namespaces"] ?? []
        return look
    }

    /// How many ports are left, and how many TIME_WAITs of that are to be used again. To be called in
    /// the namespace.
    func left(towards remote: String) throws -> (Int, Int) {
        if let tuple = tuples.first(where: { $0["remote"] as? String == remote }) {
            return (
                try #require(tuple["available"] as? Int), try #require(tuple["reusable"] as? Int)
            )
        }
        // It holds nothing.
        let inode = Int(try PrivateNamespace.currentInode())
        let own = try #require(namespaces.first { $0["inode"] as? Int == inode })
        return (try #require(own["usable"] as? Int), 0)
    }
}

/// A namespace with few ports, some of them taken in each way that there is; and how many connects
/// towards one peer succeed in it.
private struct PortScene {
    let remote: String
    let isOdd: Bool
    private let peer: Endpoint
    private let crowd = Crowd()

    static func settings(_ seed: UInt64) -> [String: String] {
        var random = SeededGenerator(state: seed)
        let size = Int.random(in: 8...64, using: &random)
        let low = Int.random(in: 40_000...40_200, using: &random)
        var settings = [
            "ipv4/ip_local_port_range": "\(low) \(low + size - 1)",
            "ipv4/tcp_tw_reuse": ["0", "1", "2", "2"].randomElement(using: &random)!,
            "ipv4/tcp_timestamps": random.chance(4) ? "0" : "1",
            // Else the kernel drops a TIME_WAIT when something comes in for it.
            "ipv4/tcp_rfc1337": "1",
        ]
        let reserved = (low..<(low + size)).filter { _ in random.chance(12) }
        if !reserved.isEmpty {
            settings["ipv4/ip_local_reserved_ports"] = reserved.map(String.init).joined(
                separator: ",")
        }
        if Kernel.hasReuseDelay { settings["ipv4/tcp_tw_reuse_delay"] = "5" }
        return settings
    }

    private static let port: UInt16 = 8080

    /// To be called in the namespace.
    init(seed: UInt64, number: Int, _ settings: [String: String]) throws {
        var random = SeededGenerator(state: seed &+ 1)
        let range = settings["ipv4/ip_local_port_range"]!.split(separator: " ").map { UInt16($0)! }
        isOdd = (range[1] - range[0]) % 2 == 0
        remote = "127.1.\(number / 250).\(number % 250 + 1)"
        peer = try Endpoint(remote, port: Self.port)
        let other = try Endpoint("127.2.0.1", port: Self.port)
        try crowd.listen(on: Endpoint("0.0.0.0", port: Self.port))
        // In some, binds take most of it.
        let kinds = random.chance(4) ? 0..<6 : 0..<11
        for _ in 0..<Int.random(in: 0...Int(range[1] - range[0]), using: &random) {
            let port = UInt16.random(in: range[0]...range[1], using: &random)
            let source = try Endpoint("127.3.0.\(Int.random(in: 1...3, using: &random))", port: 0)
            // A port may be taken by then: so be it.
            switch Int.random(in: kinds, using: &random) {
            case 0: try? crowd.listen(on: Endpoint("127.0.0.1", port: port))
            case 1: try? crowd.listen(on: Endpoint("::1", port: port))
            case 2: try? crowd.bind(source.with(port: port))
            case 3: try? crowd.bind(source)
            case 4: try? crowd.bind(Endpoint("::1", port: port))
            case 5: try? crowd.connect(to: other, from: source)
            case 6: try? crowd.connect(to: other, from: source, .close)
            case 7: try? crowd.connect(to: other)
            case 8: try? crowd.connect(to: peer)
            case 9: try? crowd.connect(to: peer, .close)
            default: try? crowd.connect(to: peer, .halfClose)
            }
        }
    }

    func connectUntilItFails() -> Int { crowd.connectUntilItFails(to: peer) }
}
