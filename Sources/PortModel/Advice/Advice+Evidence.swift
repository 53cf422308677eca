extension Advice {
    /// One tuple, as it was seen from the start to the end.
    package struct TupleEvidence: Sendable {
        package var tuple: Tuple
        /// The one with the most connects.
        package var process = ProcessID.unknown

        /// Connects that got a port.
        package var opened = 0
        package var failed: [Cause: Int] = [:]
        package var closed = 0
        /// The part of `closed` that went into TIME_WAIT.
        package var closedIntoTimeWait = 0
        package var lived = Lifetime(mean: 0, count: 0)
        /// Payload of a connection, both ways, on average; nil if not known.
        package var meanBytes: Double?

        /// Ports at the moment at which it held most.
        package var peak = PortUsage(usable: 0)
        /// Most connections that were opened within one second.
        package var peakRate = 0.0
        /// Connections opened a second, on average over the seconds in which there were any.
        package var meanRate = 0.0

        /// The range in force for its sockets, and the ports of it that are usable.
        package var range: PortRange
        package var usable: Int
        /// The namespace's range, which `range` is part of.
        package var namespaceRange: PortRange
        package var blocked: Blocked
        /// Ports of `Advice.widestRange` that are reserved or bind-held.
        package var blockedInWidest: Blocked
        package var timeWaitRules = TimeWaitRules()
        /// The processes known to hold `blocked.bound`.
        package var holders: [ProcessID] = []

        /// - Parameters:
        ///   - blocked: in `namespaceRange`.
        ///   - blockedInWidest: in `Advice.widestRange`.
        package init(
            tuple: Tuple, range: PortRange, usable: Int, namespaceRange: PortRange,
            blocked: Blocked, blockedInWidest: Blocked
        ) {
            self.tuple = tuple
            self.range = range
            self.usable = usable
            self.namespaceRange = namespaceRange
            self.blocked = blocked
            self.blockedInWidest = blockedInWidest
        }

        var failures: Int { failed.values.reduce(0, +) }

        /// The part of the usable ports that was spent at the peak.
        var share: Double {
            Double(max(0, peak.held - peak.reusable - peak.outsidePool))
                / Double(max(1, peak.usable))
        }
    }

    /// The ports that bind() with port 0 chose for one local address, as they were seen.
    package struct BindPoolEvidence: Sendable {
        package var netns: UInt32
        package var local: IPAddress
        /// The one with the most binds.
        package var process: ProcessID
        /// At the peak.
        package var used: Int
        package var usable: Int
        /// bind() calls that returned EADDRINUSE.
        package var failed: Int

        package init(
            netns: UInt32, local: IPAddress, process: ProcessID = .unknown, used: Int, usable: Int,
            failed: Int
        ) {
            self.netns = netns
            self.local = local
            self.process = process
            self.used = used
            self.usable = usable
            self.failed = failed
        }

        var share: Double { used == 0 ? 0 : Double(used) / Double(max(1, usable)) }

        /// - Parameter blocked: connects of this namespace that failed because of binds.
        func advice(blocked: Int) -> Advice? {
            guard
                failed > 0 || share >= Advice.crowded
                    || blocked > 0 && share >= Advice.noteworthy
            else { return nil }
            return Advice(
                kind: .bindNoPort(blocked: blocked),
                scope: .bindPool(BindPool.Key(netns: netns, local: local)),
                process: process, failed: failed, peak: used, usable: usable)
        }
    }
}
