import Foundation
import LinuxSystem
import LoadGenerator
import TestSupport
import Testing

/// One end of a connection, or a socket that waits for its next; closed when nobody refers to it.
private final class End {
    let socket: TCPSocket
    let family: Family
    /// The port that the program named in a bind.
    let namedPort: UInt16?
    /// connect() has been called, and its outcome is still to be told to the next call.
    var isPending = false
    /// What it has written, so that it never has to wait.
    var blocks = 0

    init(_ socket: consuming TCPSocket, _ family: Family, namedPort: UInt16? = nil) {
        self.socket = socket
        self.family = family
        self.namedPort = namedPort
    }
}

/// Where a connection goes to.
private struct Destination {
    var family: Family
    var endpoint: Endpoint

    init(_ family: Family, _ address: String? = nil, port: UInt16) throws(SystemError) {
        self.family = family
        endpoint = try Endpoint(address ?? family.rawValue, port: port)
    }

    /// For a socket that is to be bound: an address that others are not.
    func source(port: UInt16 = 0) throws(SystemError) -> Endpoint {
        let address =
            switch family {
            case .v4: "127.0.0.3"
            case .v6: "::1"
            case .mapped: "::ffff:127.0.0.3"
            }
        return try Endpoint(address, port: port)
    }

    func socket() throws(SystemError) -> TCPSocket {
        try TCPSocket(family: endpoint, nonblocking: true)
    }
}

/// The sockets of one network namespace, and what is done to them. Belongs to one thread, in that
/// namespace.
final class World {
    /// The ports that connections go to.
    static let listening: [UInt16] = [7101, 7102]
    static let silent: UInt16 = 7103
    static let nobody: UInt16 = 7104
    static let itself: UInt16 = 7105
    static let serverPorts = listening + [silent, nobody, itself]

    /// Connects that took a port, and that failed for want of one.
    private(set) var opened = 0
    private(set) var failed = 0
    /// What the settings leave to a tuple, and when that changed last.
    private(set) var usable = 0
    private(set) var changedAt = Date.distantPast
    /// The last operations, oldest first.
    private(set) var history: [String] = []

    private var random: SeededGenerator
    private var servers: [End] = []
    private var lasting: [End] = []
    private var clients: [End] = []
    private var peers: [End] = []
    private var obstacles: [End] = []
    private var children: [Process] = []
    private var range: ClosedRange<UInt16> = 32768...60999
    private var reserved: [ClosedRange<UInt16>] = []

    private static let destinations: [(Family, String, UInt16)] = [
        (.v4, "127.0.0.1", 7101), (.v4, "127.0.0.1", 7102), (.v4, "127.0.0.2", 7101),
        (.v6, "::1", 7101), (.mapped, "::ffff:127.0.0.1", 7101),
    ]
    private static let namedPorts: [UInt16] = [40_002, 40_005, 45_001, 45_002, 45_003]
    private static let mostSockets = 60

    /// - Parameter random: decides everything that is left to chance.
    init(random: SeededGenerator) throws {
        self.random = random
        for address in ["0.0.0.0", "::1"] {
            for port in Self.listening {
                let server = try Endpoint(address, port: port)
                let socket = try TCPSocket(family: server, nonblocking: true)
                try socket.bind(to: server, reuseAddress: true)
                try socket.listen()
                servers.append(End(socket, address == "::1" ? .v6 : .v4))
            }
        }
        try beginSilence()
        _ = try changeRange()
        _ = try changeReuse()
    }

    deinit { for child in children { kill(child.processIdentifier, SIGKILL) } }

    /// What the kernel says the clients hold.
    func kernelHoldings() throws -> Holdings {
        try Holdings(
            KernelTable(), to: Set(Self.serverPorts.map { Int($0) }),
            listening: Set(Self.listening.map { Int($0) }))
    }

    /// Does one thing, or nothing where there is nothing to do it to.
    func perform(_ operation: Operation, number: Int) throws {
        let text = try perform(operation)
        history.append("#\(number) \(operation) \(text ?? "-")")
        if history.count > 300 { history.removeFirst(100) }
    }

    private func perform(_ operation: Operation) throws -> String? {
        if clients.count > Self.mostSockets { _ = drop(&clients) }
        if peers.count > Self.mostSockets { _ = drop(&peers) }
        return switch operation {
        case .connect: try connect(to: destination())
        case .connectFromAddress: try connectFromAddress()
        case .connectFromNamedPort: try connectFromNamedPort()
        case .connectFromAnyPort: try connectFromAnyPort()
        case .connectFromTakenPort: try connectFromTakenPort()
        case .connectToNobody: try connect(to: destination(port: Self.nobody))
        case .connectToSilent: try connect(to: Destination(.v4, port: Self.silent))
        case .connectToItself: try connectToItself()
        case .connectAgain: try connectAgain()
        case .accept: accept()
        case .listen: try listen()
        case .stopListening: drop(&obstacles)
        case .closeClient: drop(&clients)
        case .closePeer: drop(&peers)
        case .abortClient: try abort(&clients)
        case .abortPeer: try abort(&peers)
        case .halfCloseClient: halfClose(clients)
        case .halfClosePeer: halfClose(peers)
        case .writeToPeer: write(clients)
        case .writeToClient: write(peers)
        case .startChild: try startChild()
        case .killChild: killChild()
        case .changeRange: try changeRange()
        case .changeReserved: try changeReserved()
        case .changeReuse: try changeReuse()
        case .destroyTimeWaits: try destroy("time-wait")
        case .destroyConnections: try destroy("established")
        }
    }

    // MARK: Connecting

    private func destination(port: UInt16? = nil) throws -> Destination {
        let (family, address, usual) = Self.destinations.randomElement(using: &random)!
        return try Destination(family, address, port: port ?? usual)
    }

    private func connect(to server: Destination) throws -> String {
        try connect(End(server.socket(), server.family), to: server)
    }

    /// An address of its own, and the port is left to connect().
    private func connectFromAddress() throws -> String {
        let server = try destination()
        let socket = try server.socket()
        try socket.setBindAddressNoPort()
        try socket.bind(to: server.source())
        return try connect(End(socket, server.family), to: server)
    }

    /// bind() chooses the port.
    private func connectFromAnyPort() throws -> String {
        let server = try destination()
        let end = End(try server.socket(), server.family)
        guard try bind(end, to: server.source()) else { return "EADDRINUSE" }
        return try connect(end, to: server)
    }

    private func connectFromNamedPort() throws -> String {
        guard let port = namedPort() else { return "all in use" }
        let server = try destination()
        let end = End(try server.socket(), server.family, namedPort: port)
        let reuse = Bool.random(using: &random)
        guard try bind(end, to: server.source(port: port), reuse: reuse) else {
            return "\(port) EADDRINUSE"
        }
        return try connect(end, to: server)
    }

    /// Two sockets bound to one port connect to one server: the second cannot.
    private func connectFromTakenPort() throws -> String {
        guard let port = namedPort() else { return "all in use" }
        let server = try destination()
        let ends = try (0..<2).map { _ in End(try server.socket(), server.family, namedPort: port) }
        for end in ends {
            guard try bind(end, to: server.source(port: port), reuse: true) else {
                return "\(port) EADDRINUSE"
            }
        }
        let first = try connect(ends[0], to: server)
        let second = try connect(ends[1], to: server)
        // A port in one socket only, so that it is clear whose end a `release` tells.
        clients.removeAll { $0 === ends[1] }
        return "\(first), \(second)"
    }

    private func connectToItself() throws -> String {
        guard !clients.contains(where: { $0.namedPort == Self.itself }) else { return "in use" }
        let own = try Destination(.v4, port: Self.itself)
        let end = End(try own.socket(), .v4, namedPort: Self.itself)
        guard try bind(end, to: own.endpoint, reuse: true) else { return "EADDRINUSE" }
        return try connect(end, to: own)
    }

    /// The same descriptor, whatever has become of its connection.
    private func connectAgain() throws -> String {
        guard let end = clients.randomElement(using: &random) else { return "nothing" }
        clients.removeAll { $0 === end }
        let server = try Destination(
            end.family, port: Self.listening.randomElement(using: &random)!)
        if Bool.random(using: &random) {
            try end.socket.disconnect()
            return "after disconnect: \(try connect(end, to: server))"
        }
        // It begins nothing: it tells the outcome of the connect() before.
        if end.isPending {
            clients.append(end)
            do throws(SystemError) {
                try end.socket.startConnect(to: server.endpoint)
                end.isPending = false
                return "\(name(of: end)) is established"
            } catch {
                end.isPending = error.errno == EALREADY
                return "\(name(of: end)) \(errnoName(error.errno))"
            }
        }
        return try connect(end, to: server)
    }

    /// One that no socket of ours has.
    private func namedPort() -> UInt16? {
        let inUse = clients.compactMap(\.namedPort)
        return Self.namedPorts.filter { !inUse.contains($0) }.randomElement(using: &random)
    }

    /// Returns false if the port is in use.
    private func bind(_ end: End, to local: Endpoint, reuse: Bool = false) throws -> Bool {
        do throws(SystemError) {
            try end.socket.bind(to: local, reuseAddress: reuse)
        } catch {
            guard error.errno == EADDRINUSE else { throw error }
            return false
        }
        return true
    }

    private func connect(_ end: End, to server: Destination) throws -> String {
        let before = (try? end.socket.localPort) ?? 0
        clients.append(end)
        end.isPending = false
        do throws(SystemError) {
            try end.socket.startConnect(to: server.endpoint)
        } catch {
            switch error.errno {
            case EADDRNOTAVAIL: failed += 1
            // EINVAL after a shutdown().
            case EISCONN, EINVAL: break
            case ECONNREFUSED: opened += 1
            default: throw error
            }
            return "\(before) → \(server.endpoint): \(errnoName(error.errno))"
        }
        opened += 1
        end.isPending = true
        var outcome = "under way"
        do throws(SystemError) {
            let isDone = try end.socket.hasFinished(to: server.endpoint, within: 20)
            if isDone { outcome = "established" }
        } catch {
            outcome = errnoName(error.errno)
        }
        let port = (try? end.socket.localPort) ?? 0
        if Int.random(in: 0..<8, using: &random) > 0 { _ = accept() }
        return "\(before)/\(port) → \(server.endpoint): \(outcome)"
    }

    // MARK: The other side

    /// Takes all that wait.
    private func accept() -> String {
        var count = 0
        for server in servers {
            while let peer = try? server.socket.accept() {
                peers.append(End(peer, server.family))
                count += 1
            }
        }
        return "\(count)"
    }

    /// A listener on an ephemeral port, which no connect() may then choose.
    private func listen() throws -> String {
        let port = UInt16.random(in: 40_000...40_015, using: &random)
        let server = try Endpoint("127.0.0.2", port: port)
        let socket = try TCPSocket(family: server)
        do throws(SystemError) {
            try socket.bind(to: server, reuseAddress: true)
            try socket.listen()
        } catch {
            guard error.errno == EADDRINUSE else { throw error }
            return "\(port) EADDRINUSE"
        }
        obstacles.append(End(socket, .v4))
        return "\(port)"
    }

    /// Its queue is full, so that it answers nobody else.
    private func beginSilence() throws {
        let server = try Endpoint("127.0.0.1", port: Self.silent)
        let listener = try TCPSocket(family: server)
        try listener.bind(to: server)
        try listener.listen(backlog: 0)
        lasting.append(End(listener, .v4))
        let queued = try TCPSocket(family: server)
        try queued.connect(to: server)
        opened += 1
        lasting.append(End(queued, .v4))
    }

    // MARK: Ends

    private func drop(_ ends: inout [End]) -> String? {
        guard let index = ends.indices.randomElement(using: &random) else { return nil }
        let name = name(of: ends[index])
        ends.remove(at: index)
        return name
    }

    private func abort(_ ends: inout [End]) throws -> String? {
        guard let index = ends.indices.randomElement(using: &random) else { return nil }
        let name = name(of: ends[index])
        try ends[index].socket.setLingerZero()
        ends.remove(at: index)
        return name
    }

    private func halfClose(_ ends: [End]) -> String? {
        guard let end = ends.randomElement(using: &random) else { return nil }
        do throws(SystemError) {
            // It ends a connect() under way, and the next call begins another.
            if try !end.socket.isWritable { end.isPending = false }
            try end.socket.shutdownWrite()
            return name(of: end)
        } catch {
            return "\(name(of: end)) \(errnoName(error.errno))"
        }
    }

    /// Nobody reads it, so that closing the other end resets the connection.
    private func write(_ ends: [End]) -> String? {
        guard let end = ends.randomElement(using: &random), end.blocks < 20 else { return nil }
        end.blocks += 1
        do throws(SystemError) {
            try end.socket.write(500)
            return name(of: end)
        } catch {
            return "\(name(of: end)) \(errnoName(error.errno))"
        }
    }

    private func name(of end: End) -> String {
        (try? end.socket.localEndpoint.description) ?? "?"
    }

    // MARK: Other processes

    /// A shell that holds connections until it is killed.
    private func startChild() throws -> String {
        guard children.count < 3 else { return "enough" }
        let (_, address, port) = Self.destinations.randomElement(using: &random)!
        let child = Process()
        let output = Pipe()
        child.executableURL = URL(fileURLWithPath: "/bin/bash")
        let script = """
            for ((i = 0; i < \(Int.random(in: 1...4, using: &random)); i++)); do
                if { exec {fd}<>/dev/tcp/$1/$2; } 2>/dev/null; then ((opened++)); else ((failed++)); fi
            done
            echo $((opened)) $((failed)); read
            """
        child.arguments = ["-c", script, "oracle-child", address, "\(port)"]
        child.standardInput = Pipe()
        child.standardOutput = output
        try child.run()
        let said = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let counts = said.split { !$0.isNumber }.compactMap { Int($0) }
        try #require(counts.count == 2, "the child said \(said)")
        opened += counts[0]
        failed += counts[1]
        children.append(child)
        _ = accept()
        return "\(address) \(port): \(counts[0]) opened, \(counts[1]) failed"
    }

    private func killChild() -> String? {
        guard let index = children.indices.randomElement(using: &random) else { return nil }
        let child = children.remove(at: index)
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
        return "\(child.processIdentifier)"
    }

    /// Has the kernel end all that is in `state`, where it can (CONFIG_INET_DIAG_DESTROY).
    private func destroy(_ state: String) throws -> String {
        let wildcard = state == "established" ? ["dport", "=", ":7102"] : []
        try run("/usr/bin/ss", ["-K", "-t", "state", state] + wildcard)
        return state
    }

    // MARK: Settings

    private func changeRange() throws -> String {
        let low = [40_000, 40_000, 40_008, 42_000].randomElement(using: &random)!
        let count = [2, 7, 16, 40, 40, 200, 1000].randomElement(using: &random)!
        range = UInt16(low)...UInt16(low + count - 1)
        try PrivateNamespace.set([
            "ipv4/ip_local_port_range": "\(range.lowerBound) \(range.upperBound)"
        ])
        settle()
        return "\(range)"
    }

    private func changeReserved() throws -> String {
        reserved = (0..<Int.random(in: 0...3, using: &random)).map { _ in
            let low = UInt16.random(in: 40_000...40_060, using: &random)
            return low...low + UInt16.random(in: 0...5, using: &random)
        }
        // Port 1 is in no range.
        let text = ["1"] + reserved.map { "\($0.lowerBound)-\($0.upperBound)" }
        try PrivateNamespace.set([
            "ipv4/ip_local_reserved_ports": text.joined(separator: ",")
        ])
        settle()
        return "\(reserved)"
    }

    private func settle() {
        usable = range.count { port in !reserved.contains { $0.contains(port) } }
        changedAt = Date()
    }

    private func changeReuse() throws -> String {
        let delay = "ipv4/tcp_tw_reuse_delay"
        let reuse = ["0", "1", "1", "2"].randomElement(using: &random)!
        let milliseconds = ["1", "50", "1000"].randomElement(using: &random)!
        try PrivateNamespace.set(["ipv4/tcp_tw_reuse": reuse])
        // Linux 6.14 and later.
        if FileManager.default.fileExists(atPath: "/proc/sys/net/\(delay)") {
            try PrivateNamespace.set([delay: milliseconds])
        }
        return "\(reuse) after \(milliseconds) ms"
    }
}
