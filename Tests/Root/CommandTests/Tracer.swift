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

/// Tests that trace: one after the other, as each sees all of the machine.
@Suite(.serialized) enum LiveTests {}

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

/// The tracer, running beside the test in the network namespace of the thread that started it. What
/// happens in other namespaces is left out of the events.
final class Tracer: Sendable {
    private let process: Process
    private let lines: Lines
    private let netns: String

    /// Returns when the hooks are in place and the snapshot has been taken.
    ///
    /// - Parameter keeping: how many events are kept, the last ones.
    init(_ arguments: [String] = ["--events", "all"], keeping limit: Int = .max) throws {
        netns = String(try PrivateNamespace.currentInode())
        lines = Lines(keeping: limit)
        let output = Pipe()
        let process = Process()
        process.executableURL = portgauge
        process.arguments = ["--output", "json"] + arguments
        process.standardOutput = output
        try process.run()
        self.process = process
        let reader = Foundation.Thread { [lines] in lines.read(output.fileHandleForReading) }
        reader.start()
        try lines.wait("a start") { $0.contains { $0.name == "start" } }
        // The snapshot follows at once, and takes a few milliseconds here.
        Foundation.Thread.sleep(forTimeInterval: 0.2)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    var processIdentifier: Int32 { process.processIdentifier }

    /// Kilobytes of memory that it has in use.
    var residentKB: Int {
        get throws {
            let path = "/proc/\(processIdentifier)/status"
            let status = try String(contentsOfFile: path, encoding: .utf8)
            let size = try #require(status.firstMatch(of: /VmRSS:\s+(\d+) kB/))
            return try #require(Int(size.1))
        }
    }

    var events: [Event] { ours(lines.all) }

    /// Those of all namespaces.
    var eventsAnywhere: [Event] { lines.all }

    /// Waits until `condition` holds for the events so far, of all namespaces.
    @discardableResult
    func waitAnywhere(_ what: String, until condition: ([Event]) throws -> Bool) throws -> [Event] {
        try lines.wait(what, until: condition)
    }

    /// What its descriptors lead to, and what the kernel says of each.
    var descriptors: [(target: String, information: String)] {
        get throws {
            let folder = "/proc/\(processIdentifier)"
            return try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd").map {
                let target = try FileManager.default.destinationOfSymbolicLink(
                    atPath: "\(folder)/fd/\($0)")
                let text = try String(contentsOfFile: "\(folder)/fdinfo/\($0)", encoding: .utf8)
                return (target, text)
            }
        }
    }

    /// Those without a namespace, or of ours by whatever name it goes.
    private func ours(_ events: [Event]) -> [Event] {
        let names = Self.names(of: netns, in: events)
        return events.filter { event in
            let name: String? = event["netns"]
            return name.map(names.contains) ?? true
        }
    }

    static func names(of netns: String, in events: [Event]) -> Set<String> {
        var names: Set = [netns]
        for event in events where event.name == "namespace" && event["inode"] == Int(netns) {
            if let name: String = event["netns"] { names.insert(name) }
        }
        let atEnd: [[String: any Sendable]] = events.last?["namespaces"] ?? []
        for namespace in atEnd where namespace["inode"] as? Int == Int(netns) {
            if let name = namespace["netns"] as? String { names.insert(name) }
        }
        return names
    }

    /// Waits until `condition` holds for the events so far.
    @discardableResult
    func wait(_ what: String, until condition: ([Event]) throws -> Bool) throws -> [Event] {
        ours(try lines.wait(what) { try condition(ours($0)) })
    }

    /// Stops it as Ctrl-C does. Returns the summary.
    func stop() throws -> Summary {
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        let all = try wait("a summary") { $0.last?.name == "summary" }
        return Summary(
            event: try #require(all.last), namespaces: Self.names(of: netns, in: all))
    }

    /// Ends it without a chance to clean up.
    func kill9() {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// What the events so far say is held: by tuple, the local ports.
    var heldPorts: [TupleName: Set<Int>] { view(of: netns).held.mapValues { Set($0) } }

    /// What the events so far say of a namespace.
    func view(of netns: String) -> TracerView { lines.views[netns] ?? TracerView() }

    /// The last events of a namespace.
    func tail(of netns: String, _ count: Int) -> [String] {
        lines.all.filter { $0["netns"] == netns || $0.name == "lost" }.suffix(count).map(\.text)
    }

    /// Waits until `condition` holds for what the events say of a namespace, up to `seconds`.
    /// Returns whether it did.
    func wait(
        on netns: String, seconds: Double, until condition: (TracerView) -> Bool
    ) -> Bool {
        lines.wait(until: Date(timeIntervalSinceNow: seconds)) { _, views in
            condition(views[netns] ?? TracerView())
        }
    }
}

/// The summary, less what other namespaces did.
struct Summary: Sendable {
    let event: Event
    let tuples: [[String: any Sendable]]

    init(event: Event, namespaces: Set<String>) {
        self.event = event
        let all: [[String: any Sendable]] = event["tuples"] ?? []
        tuples = all.filter { namespaces.contains($0["netns"] as? String ?? "") }
    }

    /// The sum of a count over the tuples.
    func total(_ field: String) -> Int {
        tuples.reduce(0) { $0 + ($1[field] as? Int ?? 0) }
    }

    /// What each tuple holds at the end; those that hold nothing are left out.
    var heldAtEnd: [TupleName: Int] {
        var held: [TupleName: Int] = [:]
        for tuple in tuples {
            guard let count = tuple["held"] as? Int, count > 0 else { continue }
            let name = TupleName(
                local: tuple["local"] as? String ?? "", remote: tuple["remote"] as? String ?? "",
                remotePort: tuple["remote_port"] as? Int ?? 0)
            held[name] = count
        }
        return held
    }
}

/// The events as they come in, read by a thread of their own.
private final class Lines: @unchecked Sendable {
    private let lock = NSCondition()
    private let limit: Int
    private var events: [Event] = []
    /// By inode number of the namespace.
    private var viewOf: [String: TracerView] = [:]
    private var inodes: [String: String] = [:]
    private var ended = false
    /// Lines that are no JSON object: told by those who wait, as this thread belongs to no test.
    private var broken: [String] = []

    init(keeping limit: Int) { self.limit = limit }

    var all: [Event] { lock.withLock { events } }
    var views: [String: TracerView] { lock.withLock { viewOf } }

    func read(_ handle: FileHandle) {
        var rest = Data()
        while case let data = handle.availableData, !data.isEmpty {
            rest.append(data)
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
                rest.removeSubrange(rest.startIndex...end)
                lock.withLock {
                    do {
                        take(try Event(line))
                    } catch {
                        broken.append(line)
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

    private func take(_ event: Event) {
        events.append(event)
        if events.count / 2 >= limit { events.removeFirst(events.count - limit) }
        guard let name: String = event["netns"] else { return }
        if event.name == "namespace", let inode: Int = event["inode"] {
            inodes[name] = String(inode)
        } else if event.name != "audit" {
            viewOf[inodes[name] ?? name, default: TracerView()].fold(event)
        }
    }

    /// Two minutes are ample, also in an emulated machine, where a tracer takes half of one to start.
    @discardableResult
    func wait(_ what: String, until condition: ([Event]) throws -> Bool) throws -> [Event] {
        let deadline = Date(timeIntervalSinceNow: 120)
        guard try wait(until: deadline, { events, _ in try condition(events) }) else {
            throw Timeout(waitedFor: what, saw: all)
        }
        #expect(lock.withLock { broken } == [])
        return all
    }

    /// Returns false when the time is up, or the tracer has ended.
    func wait(
        until deadline: Date, _ condition: ([Event], [String: TracerView]) throws -> Bool
    ) rethrows -> Bool {
        lock.lock()
        defer { lock.unlock() }
        while try !condition(events, viewOf) {
            if ended || !lock.wait(until: deadline) { return false }
        }
        return true
    }

    struct Timeout: Error, CustomStringConvertible {
        var waitedFor: String
        var saw: [Event]
        var description: String {
            "no \(waitedFor) in:\n" + saw.suffix(40).map(\.text).joined(separator: "\n")
        }
    }
}
