import CPortgauge

/// What the kernel's side writes to the ring of some stories, in the order of time.
// SAFETY: records are C structures of plain integers; their bytes are copied while they are lent, and what
// is written to a field is no longer than it.
struct RecordStream {
    private(set) var bytes: [UInt8] = []
    /// Where each record ends.
    private(set) var ends: [Int] = []
    /// When each was written, in nanoseconds.
    private(set) var times: [UInt64] = []

    /// One in so many connections tells how much it carried.
    private static let carrying = 64

    init(_ stories: [Story]) {
        var records: [(time: UInt64, bytes: [UInt8])] = []
        for (index, story) in stories.enumerated() {
            Self.tell(story, UInt64(index + 1)) { records.append(($0, $1)) }
        }
        let last = stories.map(\.released).max() ?? Stories.start
        for time in stride(from: Stories.start, to: last, by: Int(Stories.second)) {
            for namespace in Stories.ranges.indices {
                records.append((time, Self.settings(namespace, time)))
            }
        }
        // Of one time, in the order in which they were told.
        let order = records.indices.sorted { (records[$0].time, $0) < (records[$1].time, $1) }
        for index in order {
            bytes += records[index].bytes
            ends.append(bytes.count)
            times.append(records[index].time)
        }
    }

    private static func tell(
        _ story: Story, _ cookie: UInt64, _ write: (UInt64, [UInt8]) -> Void
    ) {
        let timeWait = 0xffff_8880_0000_0000 + cookie << 8
        write(story.opened, socket(story, PG_OPENED, cookie, story.opened))
        if story.ending != .failed, story.ending != .refused {
            write(
                story.established,
                change(PG_ESTABLISHED, cookie, story.established, port: story.port))
        }
        let holder = story.ending == .timeWait ? timeWait : cookie
        switch story.ending {
        case .timeWait:
            let flags = PG_REUSABLE.rawValue
            write(
                story.closed,
                change(PG_TIME_WAIT, cookie, story.closed, flags: flags, successor: timeWait))
        case .closed:
            write(story.closed, change(PG_CLOSED, cookie, story.closed, port: story.port))
        case .refused:
            write(
                story.closed,
                change(PG_CLOSED, cookie, story.closed, port: story.port, error: 111))
        case .bound:
            let flags = PG_STILL_BOUND.rawValue
            write(
                story.closed,
                change(PG_CLOSED, cookie, story.closed, port: story.port, flags: flags))
        case .failed:
            let flags = PG_NOT_SENT.rawValue
            write(story.closed, change(PG_CLOSED, cookie, story.closed, flags: flags))
            let returned = story.closed + 1000
            write(returned, socket(story, PG_REFUSED, cookie, returned, error: 99))
        }
        if Int(cookie) % carrying == 0, story.ending != .failed, story.ending != .refused {
            write(
                story.closed,
                change(PG_CARRIED, holder, story.closed, successor: cookie * 17 % 9999))
        }
        switch story.ending {
        case .timeWait:
            let flags = UInt32(0)
            write(
                story.released,
                change(PG_RELEASED, timeWait, story.released, flags: flags, successor: cookie))
        case .bound:
            write(story.released, change(PG_RELEASED, cookie, story.released, port: story.port))
        case .closed, .refused, .failed: break
        }
    }

    private static func head(_ kind: pg_kind, _ socket: UInt64, _ time: UInt64) -> pg_head {
        var head = pg_head()
        head.time_ns = time
        head.socket = socket
        head.kind = UInt8(kind.rawValue)
        return head
    }

    private static func change(
        _ kind: pg_kind, _ socket: UInt64, _ time: UInt64, port: UInt16 = 0, error: UInt16 = 0,
        flags: UInt32 = 0, successor: UInt64 = 0
    ) -> [UInt8] {
        var change = pg_change()
        change.head = head(kind, socket, time)
        change.head.local_port = port
        change.head.error = error
        change.head.flags = UInt8(flags)
        change.successor = successor
        return unsafe withUnsafeBytes(of: change) { unsafe Array($0) }
    }

    private static func socket(
        _ story: Story, _ kind: pg_kind, _ cookie: UInt64, _ time: UInt64, error: UInt16 = 0
    ) -> [UInt8] {
        let tuple = Stories.tuples[story.tuple]
        let range = Stories.ranges[tuple.namespace]
        var socket = pg_socket()
        socket.head = head(kind, cookie, time)
        socket.head.error = error
        if story.ending == .bound { socket.head.local_port = story.port }
        write([10, 0, 0, 5], &socket.local)
        write([10, 0, 1, tuple.remote], &socket.remote)
        socket.netns = UInt32(tuple.namespace + 1)
        socket.pid = UInt32(1000 + story.process)
        socket.remote_port = tuple.remotePort
        socket.range_low = range.lowerBound
        socket.range_high = range.upperBound
        let name = Array(Stories.processes[story.process].utf8)
        unsafe withUnsafeMutableBytes(of: &socket.comm) { unsafe $0.copyBytes(from: name) }
        return unsafe withUnsafeBytes(of: socket) { unsafe Array($0) }
    }

    /// An IPv4 address in its mapped form.
    private static func write<Address>(_ v4: [UInt8], _ address: inout Address) {
        let mapped = [UInt8](repeating: 0, count: 10) + [0xff, 0xff] + v4
        unsafe withUnsafeMutableBytes(of: &address) { unsafe $0.copyBytes(from: mapped) }
    }

    private static func settings(_ namespace: Int, _ time: UInt64) -> [UInt8] {
        let range = Stories.ranges[namespace]
        let head = head(PG_NAMESPACE, 0, time)
        let words = [UInt32(namespace + 1), Stories.inodes[namespace], 1, 65_536, 1000] as [UInt32]
        let ports = [range.lowerBound, range.upperBound]
        var bytes = unsafe withUnsafeBytes(of: head) { unsafe Array($0) }
        bytes += unsafe words.withUnsafeBytes { unsafe Array($0) }
        bytes += unsafe ports.withUnsafeBytes { unsafe Array($0) }
        // tcp_tw_reuse, timestamps, and a delay in milliseconds.
        bytes += [1, 1, 1]
        return bytes + [UInt8](repeating: 0, count: MemoryLayout<pg_namespace>.size - bytes.count)
    }
}
