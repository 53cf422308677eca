/// The settings of a network namespace that the kernel tells with each connection.
package struct Namespace: Hashable, Sendable {
    /// The inode number of `/proc/PID/ns/net`; used again when the namespace is gone.
    package var inode: UInt32
    package var pool: PortPool
    package var timeWait: TimeWaitRules

    package init(inode: UInt32, pool: PortPool, timeWait: TimeWaitRules = TimeWaitRules()) {
        (self.inode, self.pool, self.timeWait) = (inode, pool, timeWait)
    }
}

/// The settings under which TIME_WAITs are made and used again.
package struct TimeWaitRules: Hashable, Sendable {
    /// TCP_TIMEWAIT_LEN, in seconds and in nanoseconds: no setting changes it.
    package static let seconds = 60
    package static let length = UInt64(seconds) * 1_000_000_000

    /// `tcp_tw_reuse`: 0 never, 1 always, 2 on loopback only.
    package var reuse: UInt8
    /// `tcp_tw_reuse_delay`: milliseconds before one may be used again; 1000 on older kernels.
    package var reuseDelay: UInt32
    /// Older kernels (before 6.14): from the next full second on instead.
    package var countsSeconds: Bool
    /// `tcp_timestamps` are on: nothing is used again without them.
    package var timestamps: Bool
    /// `tcp_max_tw_buckets`: above it a connection closes without one.
    package var limit: UInt32

    package init(
        reuse: UInt8 = 2, reuseDelay: UInt32 = 1000, countsSeconds: Bool = false,
        timestamps: Bool = true, limit: UInt32 = 0
    ) {
        (self.reuse, self.reuseDelay, self.countsSeconds) = (reuse, reuseDelay, countsSeconds)
        (self.timestamps, self.limit) = (timestamps, limit)
    }

    /// Whether a connect() may take the port of a TIME_WAIT of `tuple`, provided that that one had
    /// timestamps: tcp_twsk_unique(), but for sockets that are bound to the device `lo`.
    package func allowReuse(of tuple: Tuple) -> Bool {
        reuse == 1 || reuse == 2 && tuple.isOnLoopback
    }

    /// When a connect() may take the port of a TIME_WAIT since `since`, in CLOCK_MONOTONIC nanoseconds.
    func reusable(since: UInt64) -> UInt64 {
        let second: UInt64 = 1_000_000_000
        return countsSeconds
            ? (since / second + 1) * second : since + (UInt64(reuseDelay) + 1) * 1_000_000
    }
}
