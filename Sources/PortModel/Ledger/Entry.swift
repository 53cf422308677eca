/// A connection, or a socket whose bind keeps the port of its last one.
struct Entry: Sendable {
    enum Phase: UInt8 {
        case searching, connecting, established, timeWait
        /// A TIME_WAIT whose timer was stopped: over, unless it is set again at once.
        case releasePending
        /// Closed, while the program's own bind keeps the port: no longer its tuple's.
        case bound

        var holdsPort: Bool { self != .searching && self != .bound }
        var isTimeWait: Bool { self == .timeWait || self == .releasePending }
        /// The connect() has not been answered.
        var isAttempt: Bool { self == .searching || self == .connecting }
    }

    /// 0 if it existed before the start: its age is not known.
    var openedAt: UInt64
    private var name: ProcessID.Name
    private var pid: UInt32
    private var uid: UInt32
    private var tuplePlace: Int32
    var localPort: UInt16
    /// The phase, and above it a bit for each of the flags below, to keep entries small.
    private var bits: UInt8
    /// Counts how many times the timer of its TIME_WAIT was stopped, wrapping.
    var releaseEpoch: UInt8 = 0
    /// The lower half of the cookie that a TIME_WAIT has inherited.
    var cookie: UInt32 = 0

    init(
        openedAt: UInt64, process: ProcessID, tuple: Int, localPort: UInt16, phase: Phase,
        mark: Bool, cookie: UInt64 = 0
    ) {
        self.openedAt = openedAt
        name = process.name
        pid = process.pid
        uid = process.uid
        tuplePlace = Int32(tuple)
        self.localPort = localPort
        bits = phase.rawValue | (mark ? 0x80 : 0)
        self.cookie = UInt32(truncatingIfNeeded: cookie)
    }

    /// The place of its tuple in the `TupleTable`.
    var tuple: Int { Int(tuplePlace) }

    var process: ProcessID {
        get { ProcessID(pid: pid, name: name, uid: uid) }
        set { (pid, name, uid) = (newValue.pid, newValue.name, newValue.uid) }
    }

    var phase: Phase {
        get { Phase(rawValue: bits & 0x0f) ?? .bound }
        set { bits = bits & 0xf0 | newValue.rawValue }
    }

    /// The mark of the last scan that met it, or during which a record spoke of it.
    var mark: Bool {
        get { bits & 0x80 != 0 }
        set { set(0x80, newValue) }
    }

    /// It holds a port that is none of the usable ones of its tuple.
    var isOutsidePool: Bool {
        get { bits & 0x40 != 0 }
        set { set(0x40, newValue) }
    }

    /// A TIME_WAIT that had timestamps: a connect() may take its port where `tcp_tw_reuse` allows it.
    var isReusable: Bool {
        get { bits & 0x20 != 0 }
        set { set(0x20, newValue) }
    }

    /// A connect() may take its port now, and it is counted as that.
    var isReusableNow: Bool {
        get { bits & 0x10 != 0 }
        set { set(0x10, newValue) }
    }

    private mutating func set(_ bit: UInt8, _ value: Bool) {
        if value { bits |= bit } else { bits &= ~bit }
    }

    func age(at time: UInt64) -> UInt64? { openedAt == 0 ? nil : time &- openedAt }

    static let none = Entry(
        openedAt: 0, process: .unknown, tuple: 0, localPort: 0, phase: .bound, mark: false)
}
