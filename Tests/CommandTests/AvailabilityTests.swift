import Foundation
import LoadGenerator
import TestSupport
import Testing

extension LiveTests {
    /// What is said to be left, against how many connects then really succeed.
    @Suite struct AvailabilityTests {
        /// Random cases, PORTGAUGE_CASES of them; only that of a seed that was printed with
        /// PORTGAUGE_SEED.
        private static let cases =
            SeededGenerator.wished == nil
            ? ProcessInfo.processInfo.environment["PORTGAUGE_CASES"].flatMap { Int($0) } ?? 500 : 1

        @Test func connectsSucceedAsLongAsSomethingIsLeft() throws {
            let tracer = try Tracer(["--events", "failures", "--audit", "0"])
            var skippedOne = 0
            var reusable = 0
            var causes: [String: Int] = [:]
            for number in 0..<Self.cases {
                let seed = SeededGenerator.wished ?? UInt64.random(in: 100 ... .max)
                let settings = PortScene.settings(seed)
                let scene = try PrivateNamespace.run(settings: settings) {
                    try PortScene(seed: seed, number: number, settings, tracer)
                }
                let lacking = scene.foretold - scene.connects
                skippedOne += lacking
                reusable += scene.reusable > 0 ? 1 : 0
                // In an odd-sized range the kernel's search passes over one port.
                let mayLack = scene.isOdd && scene.foretold > 0 ? 0...1 : 0...0
                #expect(
                    mayLack.contains(lacking),
                    "seed \(seed): \(scene.foretold) left, \(scene.connects) succeeded; \(settings)"
                )
                let failure = scene.failure
                #expect(failure["available"] == lacking, "seed \(seed): \(failure); \(settings)")
                let cause: String = failure["cause"] ?? "none"
                causes[cause, default: 0] += 1
                #expect(["exhausted", "blocked"].contains(cause), "seed \(seed): \(failure)")
            }
            print(
                "\(Self.cases) cases, \(reusable) with TIME_WAITs to be used again,",
                terminator: " ")
            print("\(skippedOne) ports of odd ranges passed over, \(causes)")
            _ = try tracer.stop()
        }
    }
}

extension Tracer {
    fileprivate func failure(towards remote: String) throws -> Event {
        let isIt = { (event: Event) in event.name == "failure" && event["remote"] == remote }
        let events = try waitAnywhere("a failure towards \(remote)") { $0.contains(where: isIt) }
        return try #require(events.last(where: isIt))
    }
}

/// A namespace with few ports, some of them taken in each way that there is; and how many connects
/// towards one peer succeed in it.
private struct PortScene {
    let isOdd: Bool
    /// What `portgauge snapshot` said was left, and how many TIME_WAITs of that are to be used again.
    let foretold: Int
    let reusable: Int
    /// How many succeeded, and what the tracer said of the first that did not.
    let connects: Int
    let failure: Event

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
    init(seed: UInt64, number: Int, _ settings: [String: String], _ tracer: Tracer) throws {
        var random = SeededGenerator(state: seed &+ 1)
        let range = settings["ipv4/ip_local_port_range"]!.split(separator: " ").map { UInt16($0)! }
        isOdd = (range[1] - range[0]) % 2 == 0
        let remote = "127.1.\(number / 250).\(number % 250 + 1)"
        let crowd = Crowd()
        let peer = try Endpoint(remote, port: Self.port)
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
        // Until the TIME_WAITs that ever may be used again may be.
        if settings["ipv4/tcp_tw_reuse"] != "0" {
            Thread.sleep(forTimeInterval: Kernel.hasReuseDelay ? 0.02 : 1.1)
        }
        let snapshot = try Self.snapshot()
        (foretold, reusable) = try Self.left(towards: remote, in: snapshot)
        connects = crowd.connectUntilItFails(to: peer)
        failure = try tracer.failure(towards: remote)
        crowd.stayUntilHere()
    }

    private static func snapshot() throws -> [String: any Sendable] {
        let process = Process()
        let output = Pipe()
        process.executableURL = portgauge
        process.arguments = ["snapshot", "--output", "json"]
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let object = try JSONSerialization.jsonObject(with: data)
        return try #require(object as? [String: any Sendable])
    }

    private static func left(
        towards remote: String, in snapshot: [String: any Sendable]
    ) throws -> (Int, Int) {
        #expect(snapshot["source"] as? String == "bpf")
        let tuples = try #require(snapshot["tuples"] as? [[String: any Sendable]])
        if let tuple = tuples.first(where: { $0["remote"] as? String == remote }) {
            #expect(tuple["local"] as? String == "127.0.0.1")
            return (
                try #require(tuple["available"] as? Int), try #require(tuple["reusable"] as? Int)
            )
        }
        // It holds nothing.
        let inode = Int(try PrivateNamespace.currentInode())
        let namespaces = try #require(snapshot["namespaces"] as? [[String: any Sendable]])
        let own = try #require(namespaces.first { $0["inode"] as? Int == inode })
        return (try #require(own["usable"] as? Int), 0)
    }
}
