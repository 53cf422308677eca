import Events
import LinuxSystem
import PortModel
import Probe
import Report
import Tracing

/// Keeps what it is given.
final class CollectingSink: EventSink {
    var takesConnections = true
    private(set) var events: [Event] = []
    private(set) var times: [UInt64] = []

    func take(_ change: Change, in context: RenderContext) {
        take(.connection(change), at: change.time, in: context)
    }

    func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        events.append(event)
        times.append(time)
    }

    var failures: [Failure] {
        events.compactMap { if case .failure(let failure) = $0 { failure } else { nil } }
    }

    var alerts: [Alert] {
        events.compactMap { if case .alert(let alert) = $0 { alert } else { nil } }
    }

    var audits: [Audit] {
        events.compactMap { if case .audit(let audit) = $0 { audit } else { nil } }
    }

    var namespaces: [Event.NamespaceNews.Kind] {
        events.compactMap { if case .namespace(let news) = $0 { news.kind } else { nil } }
    }

    func clear() { events.removeAll() }
}

/// Records of one namespace with eight ports, written briefly.
enum Scene {
    static let second: UInt64 = 1_000_000_000
    static let range = PortRange(low: 40_000, high: 40_007)
    static let process = ProcessID(pid: 42, name: ProcessID.Name("client"))
    static let tuple = Tuple(
        netns: 1, local: IPAddress(v4: 0x0a00_0001), remote: IPAddress(v4: 0x0a00_0009),
        remotePort: 80)

    static func namespace(_ netns: UInt32 = 1, inode: UInt32 = 11, pid: UInt32 = 0) -> Record {
        .namespace(netns: netns, Namespace(inode: inode, pool: PortPool(range: range)), pid: pid)
    }

    static func connection(_ socket: UInt64, at time: UInt64, port: UInt16 = 0, netns: UInt32 = 1)
        -> Record.Connection
    {
        var tuple = tuple
        tuple.netns = netns
        return Record.Connection(
            time: time, socket: socket, tuple: tuple, localPort: port, process: process,
            range: range)
    }

    static func opened(_ socket: UInt64, at time: UInt64) -> [Record] {
        [
            .opened(connection(socket, at: time)),
            .established(socket: socket, localPort: port(socket), time: time + 1),
        ]
    }

    static func failed(_ socket: UInt64, at time: UInt64) -> [Record] {
        [
            .opened(connection(socket, at: time)),
            .closed(Record.Closing(time: time + 1, socket: socket, localPort: 0, notSent: true)),
        ]
    }

    static func port(_ socket: UInt64) -> UInt16 { 40_000 + UInt16(socket % 8) }

    static func pipeline(_ sink: CollectingSink) -> Pipeline {
        Pipeline(
            sinks: [sink],
            context: RenderContext(
                timestamps: Timestamps(realtimeOffset: 0, localOffset: 0), namespaceNames: [:],
                ownNamespace: nil, errnoName: { "errno \($0)" }),
            ownInode: 11, naming: { inode, pid in pid == 0 ? nil : "pid \(pid) of \(inode)" })
    }
}
