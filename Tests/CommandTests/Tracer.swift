import Foundation
import LoadGenerator
import Testing

/// The binary under test.
let portgauge: URL = {
    if let path = ProcessInfo.processInfo.environment["PORTGAUGE"] {
        return URL(fileURLWithPath: path)
    }
    // Beside the bundle of the tests.
    return URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("portgauge")
}()

/// One line of JSON output.
struct Event: Sendable, CustomStringConvertible {
    let text: String
    private let fields: [String: any Sendable]

    init(_ line: String) throws {
        text = line
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        fields = try #require(object as? [String: any Sendable])
    }

    var description: String { text }
    var name: String { self["event"] ?? "" }

    subscript<Value>(_ field: String) -> Value? { fields[field] as? Value }

    /// The tuple and its port, as the kernel's table names them.
    var remote: String { "\(self["remote"] ?? "") \(self["remote_port"] ?? 0)" }
    var tuple: TupleName {
        TupleName(
            local: self["local"] ?? "", remote: self["remote"] ?? "",
            remotePort: self["remote_port"] ?? 0)
    }
}

struct TupleName: Hashable, Sendable {
    var local: String
    var remote: String
    var remotePort: Int
}

/// The tracer, running beside the test in the network namespace of the thread that started it.
final class Tracer: @unchecked Sendable {
    private let process = Process()
    private let lock = NSCondition()
    private var lines: [Event] = []
    private var ended = false

    /// Returns when the hooks are in place and the snapshot has been taken.
    init(_ arguments: [String] = ["--events", "all"]) throws {
        let output = Pipe()
        process.executableURL = portgauge
        process.arguments = ["--output", "json"] + arguments
        process.standardOutput = output
        try process.run()
        let reader = Foundation.Thread { [self] in read(output.fileHandleForReading) }
        reader.start()
        _ = try wait("a start") { $0.contains { $0.name == "start" } }
        // The first tick comes after the snapshot.
        Foundation.Thread.sleep(forTimeInterval: 0.2)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processIdentifier: Int32 { process.processIdentifier }

    var events: [Event] { lock.withLock { lines } }

    private func read(_ handle: FileHandle) {
        var rest = Data()
        while case let data = handle.availableData, !data.isEmpty {
            rest.append(data)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
                rest.removeSubrange(rest.startIndex...end)
                lock.withLock {
                    do {
                        lines.append(try Event(line))
                    } catch {
                        Issue.record("no JSON object: \(line)")
                    }
                    lock.broadcast()
                }
            }
        }
        lock.withLock {
            ended = true
            lock.broadcast()
        }
    }

    /// Waits until `condition` holds for the events so far; 30 s are ample, and a SYN takes long to time out.
    @discardableResult
    func wait(_ what: String, until condition: ([Event]) throws -> Bool) throws -> [Event] {
        let deadline = Date(timeIntervalSinceNow: 30)
        lock.lock()
        defer { lock.unlock() }
        while try !condition(lines) {
            if ended || !lock.wait(until: deadline) { throw Timeout(waitedFor: what, saw: lines) }
        }
        return lines
    }

    struct Timeout: Error, CustomStringConvertible {
        var waitedFor: String
        var saw: [Event]
        var description: String {
            "no \(waitedFor) in:\n" + saw.suffix(40).map(\.text).joined(separator: "\n")
        }
    }

    /// Stops it as Ctrl-C does. Returns the summary.
    func stop() throws -> Event {
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let all = try wait("a summary") { $0.last?.name == "summary" }
        return try #require(all.last)
    }

    /// Ends it without a chance to clean up.
    func kill9() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// What the events so far say is held: by tuple, the local ports.
    var heldPorts: [TupleName: Set<Int>] {
        var held: [TupleName: Set<Int>] = [:]
        for event in events {
            guard let port: Int = event["local_port"] else { continue }
            switch event.name {
            case "established": held[event.tuple, default: []].insert(port)
            case "close":
                if event["time_wait"] == false { held[event.tuple]?.remove(port) }
            case "release": held[event.tuple]?.remove(port)
            default: break
            }
        }
        return held.filter { !$0.value.isEmpty }
    }
}

extension Event {
    /// Of a summary: what each tuple holds at the end; those that hold nothing are left out.
    var heldAtEnd: [TupleName: Int] {
        let tuples: [[String: any Sendable]] = self["tuples"] ?? []
        var held: [TupleName: Int] = [:]
        for tuple in tuples {
            guard let count = tuple["held"] as? Int, count > 0 else { continue }
            held[
                TupleName(
                    local: tuple["local"] as? String ?? "",
                    remote: tuple["remote"] as? String ?? "",
                    remotePort: tuple["remote_port"] as? Int ?? 0)] = count
        }
        return held
    }
}
