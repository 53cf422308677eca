import CPortgauge
import PortModel

extension Record {
    /// Nil when the bytes are not a record of this version: of a wrong size or an unknown kind, about
    /// no socket at all, or of a time that no clock has reached.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= MemoryLayout<pg_head>.size else { return nil }
        let head = unsafe bytes.loadUnaligned(as: pg_head.self)
        let kind = pg_kind(rawValue: UInt32(head.kind))
        guard head.socket != 0 || kind == PG_NAMESPACE || kind == PG_REFUSED,
            head.time_ns <= UInt64(Int64.max)
        else { return nil }
        switch kind {
        case PG_OPENED:
            guard let connection = unsafe Connection(bytes) else { return nil }
            self = .opened(connection)
        case PG_SOCKET:
            guard var connection = unsafe Connection(bytes) else { return nil }
            connection.age = UInt64(head.error) * 1_000_000
            self = .exists(connection, state: State(tcp: head.state))
        case PG_OWNER:
            guard let connection = unsafe Connection(bytes) else { return nil }
            self = .owner(
                socket: head.socket, netns: connection.tuple.netns, connection.process)
        case PG_ESTABLISHED:
            guard bytes.count == MemoryLayout<pg_change>.size, head.local_port != 0 else {
                return nil
            }
            self = .established(
                socket: head.socket, localPort: head.local_port, time: head.time_ns)
        case PG_CLOSED:
            guard bytes.count == MemoryLayout<pg_change>.size else { return nil }
            self = .closed(
                Closing(
                    time: head.time_ns, socket: head.socket, localPort: head.local_port,
                    error: head.error, stillBound: head.has(PG_STILL_BOUND),
                    notSent: head.has(PG_NOT_SENT)))
        case PG_TIME_WAIT:
            guard bytes.count == MemoryLayout<pg_change>.size else { return nil }
            let change = unsafe bytes.loadUnaligned(as: pg_change.self)
            guard change.successor != 0 else { return nil }
            self = .timeWait(
                socket: head.socket, successor: change.successor, reusable: head.has(PG_REUSABLE),
                time: head.time_ns)
        case PG_RELEASED:
            guard bytes.count == MemoryLayout<pg_change>.size else { return nil }
            self = .released(
                socket: head.socket,
                cookie: unsafe bytes.loadUnaligned(as: pg_change.self).successor,
                mayReturn: head.has(PG_MAY_RETURN), time: head.time_ns)
        case PG_HOLDER:
            guard let connection = unsafe Connection(bytes) else { return nil }
            self = .holder(
                Holder(
                    netns: connection.tuple.netns, local: connection.tuple.local,
                    localPort: connection.localPort, process: connection.process,
                    isListening: head.state == 10, portChosen: connection.portChosen))
        case PG_REFUSED:
            guard let connection = unsafe Connection(bytes), head.error != 0 else { return nil }
            self = .refused(
                Refusal(
                    time: head.time_ns, socket: head.socket,
                    call: head.has(PG_BIND) ? .bind : .connect, errno: head.error,
                    tuple: connection.tuple, localPort: connection.localPort,
                    process: connection.process))
        case PG_SEARCHED:
            guard bytes.count == MemoryLayout<pg_change>.size else { return nil }
            self = .searched(
                socket: head.socket, localPort: head.local_port,
                search: unsafe bytes.loadUnaligned(as: pg_change.self).successor,
                time: head.time_ns)
        case PG_CARRIED:
            guard bytes.count == MemoryLayout<pg_change>.size else { return nil }
            self = .carried(
                socket: head.socket,
                bytes: unsafe bytes.loadUnaligned(as: pg_change.self).successor)
        case PG_NAMESPACE:
            guard bytes.count == MemoryLayout<pg_namespace>.size,
                let reserved = unsafe PortSet(
                    words: bytes.suffix(Int(PG_RESERVED_BYTES)).words)
            else { return nil }
            let settings = unsafe bytes.loadUnaligned(as: NamespaceSettings.self)
            self = .namespace(
                netns: settings.netns,
                Namespace(
                    inode: settings.inode,
                    pool: PortPool(
                        range: PortRange(low: settings.low, high: settings.high), reserved: reserved
                    ),
                    timeWait: TimeWaitRules(
                        reuse: settings.reuse, reuseDelay: settings.reuseDelay,
                        countsSeconds: settings.hasReuseDelay == 0,
                        timestamps: settings.timestamps != 0, limit: settings.limit)),
                pid: settings.pid)
        default:
            return nil
        }
    }
}

/// `pg_namespace` up to its bitmap, which as a Swift type would be a tuple of 8,192 bytes.
private struct NamespaceSettings: BitwiseCopyable {
    var head: pg_head
    var netns: UInt32
    var inode: UInt32
    var pid: UInt32
    var limit: UInt32
    var reuseDelay: UInt32
    var low: UInt16
    var high: UInt16
    var reuse: UInt8
    var timestamps: UInt8
    var hasReuseDelay: UInt8
}

extension Record.Connection {
    fileprivate init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == MemoryLayout<pg_socket>.size else { return nil }
        let socket = unsafe bytes.loadUnaligned(as: pg_socket.self)
        self.init(
            time: socket.head.time_ns, socket: socket.head.socket,
            tuple: Tuple(
                netns: socket.netns, local: IPAddress(bytesOf: socket.local),
                remote: IPAddress(bytesOf: socket.remote), remotePort: socket.remote_port),
            localPort: socket.head.local_port, cookie: socket.cookie,
            process: Process(pid: socket.pid, name: Process.Name(bytesOf: socket.comm)),
            range: PortRange(low: socket.range_low, high: socket.range_high))
        portChosen = socket.head.has(PG_CHOSEN)
        reusable = socket.head.has(PG_REUSABLE)
    }
}

extension Sighting {
    init(_ item: pg_item) {
        self.init(
            socket: item.socket, cookie: item.cookie, localPort: item.local_port,
            state: Record.State(tcp: item.state), isCertain: item.certain != 0)
    }
}

extension Record.State {
    /// - Parameter state: as the kernel numbers them.
    fileprivate init(tcp state: UInt8) {
        switch state {
        case 2: self = .connecting
        case 6: self = .timeWait
        default: self = .established
        }
    }
}

extension pg_head {
    fileprivate func has(_ flag: pg_flag) -> Bool { UInt32(flags) & flag.rawValue != 0 }
}

private typealias Bytes16 = (
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8,
    UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8, UInt8
)

extension IPAddress {
    fileprivate init(bytesOf bytes: Bytes16) {
        // Both types are 16 bytes of plain integers.
        let halves = unsafe unsafeBitCast(bytes, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    }
}

extension Process.Name {
    /// What follows the first NUL may be left from a longer name; the last byte is always one.
    fileprivate init(bytesOf bytes: Bytes16) {
        let halves = unsafe unsafeBitCast(bytes, to: (UInt64, UInt64).self)
        let head = Self.upToNUL(UInt64(littleEndian: halves.0))
        let tail = head.leadingZeroBitCount < 8 ? UInt64(littleEndian: halves.1) & (1 << 56 - 1) : 0
        self.init(head: head, tail: Self.upToNUL(tail))
    }

    /// Zeroes all that is above the lowest byte that is zero.
    private static func upToNUL(_ word: UInt64) -> UInt64 {
        let zeros = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        return zeros == 0 ? word : word & ((1 << UInt64(zeros.trailingZeroBitCount & ~7)) - 1)
    }
}

extension Slice<UnsafeRawBufferPointer> {
    fileprivate var words: [UInt64] {
        let buffer = unsafe UnsafeRawBufferPointer(rebasing: self)
        return stride(from: 0, to: buffer.count - 7, by: 8).map {
            unsafe buffer.loadUnaligned(fromByteOffset: $0, as: UInt64.self)
        }
    }
}
