import Events
import LinuxSystem
import PortModel
import Probe
import Tracing

/// A kernel's table that a test writes, and a clock that it moves.
struct SimulatedTable: KernelTable, ~Copyable {
    var now: UInt64 = 10 * Scene.second
    var processorTime: UInt64 = 0
    var lost: UInt64 = 0
    var counters = Probe.Counters()
    var canAudit = true

    /// By inode number: the identity of each namespace that can be entered.
    var identities: [UInt32: UInt32] = [11: 1]
    /// Namespaces that are found, but cannot be entered.
    var closed: Set<UInt32> = []
    /// By identity: the connections there.
    var connections: [UInt32: [(Record.Connection, Record.State)]] = [:]
    var owned: [Record] = []
    var bound: [UInt32: PortSet] = [:]
    /// Addresses that no namespace has.
    var missing: Set<IPAddress> = []
    /// Comes out of the ring with the next drain.
    var ring: [Record] = []
    /// CPU time that an audit of a namespace takes.
    var costOfAudit: UInt64 = 0
    private(set) var audits = 0
    private(set) var snapshots = 0

    func namespaces() -> [NetworkNamespaces.Found] {
        (Array(identities.keys) + closed).sorted().map {
            NetworkNamespaces.Found(inode: $0, pid: $0)
        }
    }

    mutating func snapshot(
        of namespaces: [NetworkNamespaces.Found], rounds: Int, _ body: (Record) -> Void
    ) throws(SystemError) -> [UInt32: UInt32] {
        snapshots += 1
        now += 1_000_000
        for round in 0..<rounds {
            for found in namespaces {
                guard let netns = identities[found.inode] else { continue }
                body(Scene.namespace(netns, inode: found.inode))
                for (connection, state) in connections[netns] ?? [] {
                    var connection = connection
                    connection.time = now
                    body(.exists(connection, state: state))
                }
            }
            if round == 0 { for record in owned { body(record) } }
        }
        return identities.filter { pair in namespaces.contains { $0.inode == pair.key } }
    }

    mutating func owners(_ body: (Record) -> Void) throws(SystemError) {
        for record in owned { body(record) }
    }

    mutating func audit(
        _ found: NetworkNamespaces.Found, _ see: (TableEntry, UInt32) -> Void,
        _ body: (Record) -> Void
    ) throws(SystemError) -> UInt32? {
        audits += 1
        processorTime += costOfAudit
        now += 1_000_000
        guard let netns = identities[found.inode] else { return nil }
        for (connection, state) in connections[netns] ?? [] {
            see(
                TableEntry(
                    socket: connection.socket, cookie: connection.cookie,
                    localPort: connection.localPort, state: state), netns)
        }
        return netns
    }

    mutating func drainAll(_ body: (Record) -> Void) {
        for record in ring { body(record) }
        ring = []
    }

    func hasAddress(
        _ address: IPAddress, in found: NetworkNamespaces.Found
    ) -> (netns: UInt32, isThere: Bool)? {
        identities[found.inode].map { ($0, !missing.contains(address)) }
    }

    func boundPorts(in found: NetworkNamespaces.Found) -> (netns: UInt32, ports: PortSet)? {
        identities[found.inode].map { ($0, bound[$0] ?? PortSet()) }
    }
}
