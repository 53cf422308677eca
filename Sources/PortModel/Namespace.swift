/// What the kernel says of a network namespace.
package struct Namespace: Hashable, Sendable {
    /// As `/proc/PID/ns/net` has it; used again when the namespace is gone.
    package var inode: UInt32
    package var pool: PortPool
    package var timeWait: TimeWaitRules

    package init(inode: UInt32, pool: PortPool, timeWait: TimeWaitRules = TimeWaitRules()) {
        self.inode = inode
        self.pool = pool
        self.timeWait = timeWait
    }
}

/// The settings under which TIME_WAITs are made and used again. Their length is fixed at 60 s.
package struct TimeWaitRules: Hashable, Sendable {
    /// `tcp_tw_reuse`: 0 never, 1 always, 2 on loopback only.
    package var reuse: UInt8
    /// `tcp_tw_reuse_delay`: milliseconds before one may be used again; 1000 on older kernels.
    package var reuseDelay: UInt32
    /// `tcp_timestamps` are on: nothing is used again without them.
    package var timestamps: Bool
    /// `tcp_max_tw_buckets`: above it a connection closes without one.
    package var limit: UInt32

    package init(
        reuse: UInt8 = 2, reuseDelay: UInt32 = 1000, timestamps: Bool = true, limit: UInt32 = 0
    ) {
        self.reuse = reuse
        self.reuseDelay = reuseDelay
        self.timestamps = timestamps
        self.limit = limit
    }
}
