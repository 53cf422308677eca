extension Summary {
    /// The settings of a network namespace.
    package struct NamespaceRow: Hashable, Sendable {
        package var netns: UInt32
        /// The inode number of `/proc/PID/ns/net`.
        package var inode: UInt32
        package var range: PortRange
        /// Ports of `range` that are reserved, and those that a bind() holds besides.
        package var reserved: Int
        package var bound: Int
        package var timeWait: TimeWaitRules

        /// Ports of `range` that connect() may choose.
        package var usable: Int { max(0, range.count - reserved - bound) }
    }

    /// One tuple, from the start to the end.
    package struct TupleRow: Hashable, Sendable {
        package var tuple: Tuple
        /// The range in force for its sockets: the namespace's, or their own.
        package var range: PortRange
        /// At the end.
        package var usage: PortUsage
        package var totals = TupleState.Totals()
        /// Connects that got a port but no connection, by errno.
        package var errors: [UInt16: Int] = [:]
        /// Connects that got no port, as far as the cause is known.
        package var causes: [Cause: Int] = [:]
        /// The states of the sockets that hold the ports at the end; empty where nobody has looked.
        package var heldBy: [HoldingState: Int] = [:]
        package var peak: TupleState.Peak
        package var firstFailureAt: UInt64?
        /// The calls of all processes by name; none in older recordings.
        package var names: [Callers.NameShare] = []
        /// Those with most connects, failed ones included, first; at most 16.
        package var processes: [Callers.Share] = []

        package init(tuple: Tuple, range: PortRange, usage: PortUsage, peak: TupleState.Peak) {
            (self.tuple, self.range, self.usage, self.peak) = (tuple, range, usage, peak)
        }

        init(_ state: TupleState) {
            self.init(tuple: state.tuple, range: state.range, usage: state.usage, peak: state.peak)
            totals = state.chosen
            heldBy = state.heldBy
            errors = state.errors
            causes = state.causes
            firstFailureAt = state.firstFailureAt
            names = state.processes.names
            processes = state.processes.leading
        }

        /// The name with the most connects, failed ones included; the process where it is of one.
        package var topProcess: ProcessID? { Callers.top(names, processes) }

        /// It has run out of ports that it never held.
        package var isUsedByOthers: Bool {
            causes[.exhausted] != nil && peak.usage.leavesSomeToOthers
        }
    }

    /// One pool that bind() chose from, from the start to the end.
    package struct BindPoolRow: Hashable, Sendable {
        package var key: BindPool.Key
        /// Ports used at the end, and usable ones.
        package var used = 0
        package var usable = 0
        package var peak = 0
        /// bind() calls that found none.
        package var failed = 0
        /// The calls of all processes by name; none in older recordings.
        package var names: [Callers.NameShare] = []
        /// Those with most binds, failed ones included, first; at most 16.
        package var processes: [Callers.Share] = []

        /// The name with the most binds, failed ones included; the process where it is of one.
        package var topProcess: ProcessID? { Callers.top(names, processes) }
    }
}

extension Summary.NamespaceRow {
    package init(_ namespace: Namespace, netns: UInt32) {
        self.init(
            netns: netns, inode: namespace.inode, range: namespace.pool.range,
            reserved: namespace.pool.reservedInRange, bound: namespace.pool.boundInRange,
            timeWait: namespace.timeWait)
    }
}

extension Summary.BindPoolRow {
    package init(_ key: BindPool.Key) { self.init(key: key) }

    init(_ pool: BindPool) {
        self.init(
            key: pool.key, used: pool.used, usable: pool.usable, peak: pool.peak,
            failed: pool.failed, names: pool.processes.names, processes: pool.processes.leading)
    }
}
