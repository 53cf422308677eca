extension Ledger {
    enum Phase: UInt8 {
        case searching, connecting, established, timeWait
        /// A TIME_WAIT whose timer was stopped.
        case leaving
        /// Closed, while the program's own bind keeps the port: no longer this tuple's.
        case bound

        var holds: Bool { self != .searching && self != .bound }
        var isTimeWait: Bool { self == .timeWait || self == .leaving }
    }

    struct Entry {
        /// 0 if it existed before the start: its age is not known.
        var openedAt: UInt64
        var name: ProcessID.Name
        var pid: UInt32
        var account: Int32
        var localPort: UInt16
        /// The phase, and above it a bit for each of the properties below, the uppermost the mark of
        /// the last walk: one byte, because there are hundreds of thousands of these.
        private var bits: UInt8
        /// How many times the timer of its TIME_WAIT was stopped, wrapping.
        var departures: UInt8 = 0
        /// Of a TIME_WAIT: the lower half of the cookie it has inherited.
        var cookie: UInt32 = 0

        init(
            openedAt: UInt64, process: ProcessID, account: Int, localPort: UInt16, phase: Phase,
            mark: Bool, cookie: UInt64 = 0
        ) {
            self.openedAt = openedAt
            name = process.name
            pid = process.pid
            self.account = Int32(account)
            self.localPort = localPort
            bits = phase.rawValue | (mark ? 0x80 : 0)
            self.cookie = UInt32(truncatingIfNeeded: cookie)
        }

        var phase: Phase {
            get { Phase(rawValue: bits & 0x0f) ?? .bound }
            set { bits = bits & 0xf0 | newValue.rawValue }
        }

        var mark: Bool {
            get { bits & 0x80 != 0 }
            set { set(0x80, newValue) }
        }

        /// It holds a port that is none of the usable ones of its tuple.
        var isElsewhere: Bool {
            get { bits & 0x40 != 0 }
            set { set(0x40, newValue) }
        }

        /// Of a TIME_WAIT: had timestamps, and may be used again where `tcp_tw_reuse` allows it.
        var isReusable: Bool {
            get { bits & 0x20 != 0 }
            set { set(0x20, newValue) }
        }

        /// It may be used again now, and is counted as that.
        var isRipe: Bool {
            get { bits & 0x10 != 0 }
            set { set(0x10, newValue) }
        }

        private mutating func set(_ bit: UInt8, _ value: Bool) {
            if value { bits |= bit } else { bits &= ~bit }
        }

        var process: ProcessID { ProcessID(pid: pid, name: name) }

        func age(at time: UInt64) -> UInt64? { openedAt == 0 ? nil : time &- openedAt }

        static let none = Entry(
            openedAt: 0, process: .unknown, account: 0, localPort: 0, phase: .bound, mark: false)
    }
}
