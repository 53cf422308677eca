import CPortgauge
import TestSupport

/// Makes records as the kernel's side writes them, of few sockets in any order and state, and now
/// and then bytes that are none.
struct RecordForge {
    var random: SeededGenerator
    private var now: UInt64 = 1_000_000_000

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    /// Every socket there may be: cookies, and addresses of timewait objects.
    static let sockets: [UInt64] =
        Array(1...12) + (1...8).map { 0xffff_8880_0000_0000 + $0 << 8 }

    mutating func record() -> [UInt8] {
        var bytes =
            switch UInt32.random(in: 1...64, using: &random) {
            case 1: namespace()
            case 2...20: socket(PG_OPENED)
            case 21...23: socket(PG_OWNER)
            case 24...32: socket(PG_SOCKET)
            case 33...34: socket(PG_HOLDER)
            case 35...37: socket(PG_REFUSED)
            case 38...44: change(PG_ESTABLISHED)
            case 45...49: change(PG_CLOSED)
            case 50...56: change(PG_TIME_WAIT)
            case 57: change(PG_SEARCHED)
            case 58: change(PG_CARRIED)
            default: change(PG_RELEASED)
            }
        guard random.chance(8) else { return bytes }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random))
        case 1: bytes += noise(Int.random(in: 1...64, using: &random))
        case 2: bytes = noise(Int.random(in: 0...300, using: &random))
        default:
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = bytes.indices.randomElement(using: &random) ?? 0
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    mutating func noise(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    private mutating func any<Value: FixedWidthInteger>(_ usual: Value...) -> Value {
        random.chance(20)
            ? Value.random(in: 0...Value.max, using: &random) : usual.randomElement(using: &random)!
    }

    private mutating func head(_ kind: pg_kind) -> pg_head {
        now += UInt64.random(in: 0...50_000_000, using: &random)
        let cookie = random.chance(3) ? Self.sockets.randomElement(using: &random)! : any(1, 2, 3)
        return pg_head(
            time_ns: any(now, now, now, now - 1000, 0), socket: cookie,
            local_port: any(0, 40_000, 40_001), error: any(0, 12, 99, 111),
            kind: UInt8(kind.rawValue),
            state: any(1, 2, 6), flags: any(0, 1, 2, 4, 5, 8, 16, 32), zero: 0)
    }

    private mutating func change(_ kind: pg_kind) -> [UInt8] {
        var change = pg_change(
            head: head(kind), successor: Self.sockets.randomElement(using: &random)!)
        if kind == PG_RELEASED, random.chance(2) { swap(&change.head.socket, &change.successor) }
        return withUnsafeBytes(of: change) { Array($0) }
    }

    private mutating func socket(_ kind: pg_kind) -> [UInt8] {
        var socket = pg_socket()
        socket.head = head(kind)
        withUnsafeMutableBytes(of: &socket.local) { $0[15] = any(1, 2) }
        withUnsafeMutableBytes(of: &socket.remote) { $0[15] = any(1, 2, 3) }
        socket.netns = any(1, 2)
        socket.pid = any(0, 1, 2, 3)
        socket.remote_port = any(0, 80, 443)
        socket.range_low = any(1, 40_000)
        socket.range_high = any(40_003, 65_535, 0)
        let name = noise(16)
        withUnsafeMutableBytes(of: &socket.comm) { $0.copyBytes(from: name) }
        socket.cookie = any(0, 1, 2)
        socket.uid = any(0, 1000, .max)
        return withUnsafeBytes(of: socket) { Array($0) }
    }

    private mutating func namespace() -> [UInt8] {
        let low = any(1, 40_000) as UInt16
        let high = any(40_003, 65_535, 0) as UInt16
        let begin = pg_head(
            time_ns: now, socket: 0, local_port: 0, error: 0, kind: UInt8(PG_NAMESPACE.rawValue),
            state: 0, flags: 0, zero: 0)
        let words =
            [any(1, 2), any(1, 2, 3), any(0, 1), any(0, 65_536), any(0, 1, 1000)] as [UInt32]
        let bytes = [any(0, 1, 2), any(0, 1), any(0, 1)] as [UInt8]
        return withUnsafeBytes(of: begin) { Array($0) } + words.withUnsafeBytes { Array($0) }
            + [low, high].withUnsafeBytes { Array($0) } + bytes + [UInt8](repeating: 0, count: 5)
            + (random.chance(2)
                ? noise(Int(PG_RESERVED_BYTES))
                : [UInt8](repeating: 0, count: Int(PG_RESERVED_BYTES)))
    }
}
