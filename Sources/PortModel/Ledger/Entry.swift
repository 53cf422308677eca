/// A connection, or a socket whose bind keeps the port of its last one: 48 bytes.
struct Entry: Sendable {
    enum Phase {
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
    var process: ProcessID
    private let tuplePlace: Int32
    var localPort: UInt16
    var phase: Phase
    /// Counts how many times the timer of its TIME_WAIT was stopped, wrapping.
    var releaseEpoch: UInt8 = 0
    /// The lower half of the cookie that a TIME_WAIT has inherited.
    var cookie: UInt32
    /// The mark of the last scan that met it, or during which a record spoke of it.
    var mark: Bool
    /// It holds a port that is none of the usable ones of its tuple.
    var isOutsidePool = false
    /// A connect() may take its port now, and it is counted as that.
    var isReusableNow = false
    /// In one byte, to keep entries small.
    private var flags: UInt8 = 0

    init(
        openedAt: UInt64, process: ProcessID, tuple: Int, localPort: UInt16, phase: Phase,
        mark: Bool, isOther: Bool = false, cookie: UInt64 = 0
    ) {
        (self.openedAt, self.process, self.localPort) = (openedAt, process, localPort)
        (self.phase, self.mark) = (phase, mark)
        tuplePlace = Int32(tuple)
        self.cookie = UInt32(truncatingIfNeeded: cookie)
        self.isOther = isOther
    }

    /// A TIME_WAIT that had timestamps: a connect() may take its port where `tcp_tw_reuse` allows it.
    var isReusable: Bool {
        get { flags & 1 != 0 }
        set { flags = flags & ~1 | (newValue ? 1 : 0) }
    }

    /// Of a process that the filter does not choose, or that is not known.
    var isOther: Bool {
        get { flags & 2 != 0 }
        set { flags = flags & ~2 | (newValue ? 2 : 0) }
    }

    /// The place of its tuple in the `TupleTable`.
    var tuple: Int { Int(tuplePlace) }

    func age(at time: UInt64) -> UInt64? { openedAt == 0 ? nil : time &- openedAt }

    static let none = Entry(
        openedAt: 0, process: .unknown, tuple: 0, localPort: 0, phase: .bound, mark: false)
}
