import CPortgauge
import PortModel

extension Record {
    /// Fails for bytes that are no record of this version: of a wrong size or an unknown kind, about
    /// no socket at all, or of a time that no clock has reached.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let head = unsafe bytes.first(pg_head.self) else { return nil }
        let kind = pg_kind(rawValue: UInt32(head.kind))
        guard head.socket != 0 || kind == PG_NAMESPACE || kind == PG_REFUSED,
            head.time_ns <= UInt64(Int64.max)
        else { return nil }
        switch kind {
        case PG_OPENED, PG_SOCKET, PG_OWNER, PG_HOLDER, PG_REFUSED:
            guard let socket = unsafe bytes.whole(pg_socket.self) else { return nil }
            self.init(kind, head, Connection(socket))
        case PG_NAMESPACE:
            guard let reserved = unsafe bytes.reservedPorts,
                let settings = unsafe bytes.first(NamespaceSettings.self)
            else { return nil }
            self = .namespace(
                netns: settings.netns, Namespace(settings, reserved), pid: settings.pid)
        default:
            guard let change = unsafe bytes.whole(pg_change.self) else { return nil }
            self.init(kind, change)
        }
    }

    // Inlined, as are the others: a record is copied no more often than it has to be.
    @inline(__always)
    private init?(_ kind: pg_kind, _ head: pg_head, _ connection: Connection) {
        switch kind {
        case PG_OPENED: self = .opened(connection)
        case PG_SOCKET:
            var connection = connection
            connection.age = UInt64(head.error) * 1_000_000
            self = .exists(connection, state: State(tcp: head.state))
        case PG_OWNER:
            self = .owner(
                socket: head.socket, netns: connection.tuple.netns, connection.process,
                isOther: connection.isOther)
        case PG_HOLDER:
            self = .holder(
                Holder(
                    netns: connection.tuple.netns, local: connection.tuple.local,
                    localPort: connection.localPort, process: connection.process,
                    isListening: head.state == 10, portChosen: connection.portChosen))
        default:
            guard head.error != 0 else { return nil }
            let tuple = connection.tuple
            let scope: PortScope =
                head.has(PG_BIND)
                ? .bindPool(BindPool.Key(netns: tuple.netns, local: tuple.local)) : .tuple(tuple)
            var refusal = Refusal(
                time: head.time_ns, socket: head.socket,
                call: FailedCall(
                    scope: scope, localPort: connection.localPort, process: connection.process,
                    errno: head.error))
            if head.has(PG_BIND), head.has(PG_INFERRED) {
                refusal.inferred = Inferred(anyAddress: head.state != 0)
            }
            self = .refused(refusal)
        }
    }

    @inline(__always)
    private init?(_ kind: pg_kind, _ change: pg_change) {
        let head = change.head
        switch kind {
        case PG_ESTABLISHED:
            guard head.local_port != 0 else { return nil }
            self = .established(
                socket: head.socket, localPort: head.local_port, time: head.time_ns)
        case PG_CLOSED:
            self = .closed(
                Closing(
                    time: head.time_ns, socket: head.socket, localPort: head.local_port,
                    error: head.error, stillBound: head.has(PG_STILL_BOUND),
                    notSent: head.has(PG_NOT_SENT)))
        case PG_TIME_WAIT:
            guard change.successor != 0 else { return nil }
            self = .timeWait(
                socket: head.socket, successor: change.successor, reusable: head.has(PG_REUSABLE),
                time: head.time_ns)
        case PG_RELEASED:
            self = .released(
                socket: head.socket, cookie: change.successor, mayReturn: head.has(PG_MAY_RETURN),
                time: head.time_ns)
        case PG_SEARCHED:
            self = .searched(
                socket: head.socket, localPort: head.local_port, search: change.successor,
                time: head.time_ns)
        case PG_CARRIED: self = .carried(socket: head.socket, bytes: change.successor)
        default: return nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The first bytes as a C structure; nil if there are too few.
    fileprivate func first<Value: BitwiseCopyable>(_: Value.Type) -> Value? {
        // SAFETY: there are enough bytes, and any are a value of a structure of plain integers.
        unsafe count >= MemoryLayout<Value>.size ? loadUnaligned(as: Value.self) : nil
    }

    /// The same, but nil if there are others.
    fileprivate func whole<Value: BitwiseCopyable>(_: Value.Type) -> Value? {
        unsafe count == MemoryLayout<Value>.size ? first(Value.self) : nil
    }

    /// The bitmap of a `pg_namespace`; nil if it is none.
    fileprivate var reservedPorts: PortSet? {
        guard count == MemoryLayout<pg_namespace>.size else { return nil }
        let start = count - Int(PG_RESERVED_BYTES)
        // SAFETY: the bitmap is at the end of the structure.
        return PortSet(
            words: stride(from: start, to: count, by: 8).map {
                unsafe loadUnaligned(fromByteOffset: $0, as: UInt64.self)
            })
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

extension Namespace {
    fileprivate init(_ settings: NamespaceSettings, _ reserved: PortSet) {
        self.init(
            inode: settings.inode,
            pool: PortPool(
                range: PortRange(low: settings.low, high: settings.high), reserved: reserved),
            timeWait: TimeWaitRules(
                reuse: settings.reuse, reuseDelay: settings.reuseDelay,
                countsSeconds: settings.hasReuseDelay == 0, timestamps: settings.timestamps != 0,
                limit: settings.limit))
    }
}

extension Record.Connection {
    @inline(__always)
    fileprivate init(_ socket: pg_socket) {
        self.init(
            time: socket.head.time_ns, socket: socket.head.socket,
            tuple: Tuple(
                netns: socket.netns, device: socket.device, local: IPAddress(bytesOf: socket.local),
                remote: IPAddress(bytesOf: socket.remote), remotePort: socket.remote_port),
            localPort: socket.head.local_port, cookie: socket.cookie,
            process: ProcessID(
                pid: socket.pid, name: ProcessID.Name(bytesOf: socket.comm),
                uid: socket.isCall ? socket.uid : ProcessID.noUser),
            range: PortRange(low: socket.range_low, high: socket.range_high))
        portChosen = socket.head.has(PG_CHOSEN)
        reusable = socket.head.has(PG_REUSABLE)
        thread = socket.thread
        isUncertain = socket.head.has(PG_UNCERTAIN)
        isOther = socket.head.has(PG_OTHER)
    }
}

extension TableEntry {
    init(_ item: pg_item) {
        self.init(
            socket: item.socket, cookie: item.cookie, localPort: item.local_port,
            remotePort: item.remote_port,
            state: item.time_wait != 0 ? .timeWait : Record.State(tcp: item.state),
            holding: HoldingState(tcp: item.state), origin: Origin(rawValue: item.origin) ?? .server
        )
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
        // SAFETY: both types are 16 bytes of plain integers.
        let halves = unsafe unsafeBitCast(bytes, to: (UInt64, UInt64).self)
        self.init(high: UInt64(bigEndian: halves.0), low: UInt64(bigEndian: halves.1))
    }
}

extension ProcessID.Name {
    /// Leaves out what follows the first NUL, which may be of a longer name; the last byte is one.
    fileprivate init(bytesOf bytes: Bytes16) {
        // SAFETY: both types are 16 bytes of plain integers.
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

extension pg_socket {
    /// Whether it is of a call, which has a user.
    fileprivate var isCall: Bool {
        head.kind == UInt8(PG_OPENED.rawValue) || head.kind == UInt8(PG_REFUSED.rawValue)
    }
}
