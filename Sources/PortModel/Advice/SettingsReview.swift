/// What the settings of a network namespace do to its connections: figures and what-ifs.
package struct SettingsReview: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable { case ok, note, hurts }

    package struct Finding: Hashable, Sendable {
        package var verdict: Verdict
        package var topic: Topic
    }

    package enum Topic: Hashable, Sendable {
        /// `ip_local_port_range`, the ports of it that connect() may choose, and what a wider one adds.
        case range(PortRange, usable: Int, wider: Wider?)
        /// Ports of the range that are in `ip_local_reserved_ports`.
        case reserved(Int, of: PortRange)
        /// Listeners whose port is in the range.
        case listeners([Holder])
        /// Sockets, bound and not connected, whose port is in the range.
        case bound([Holder])
        /// Ports of the range that Kubernetes hands out to services, and who says that it is here.
        case nodePorts(Int, ProcessID)
        /// Ports of the range that RFC 6335 does not count among the dynamic ones.
        case notDynamic(Int)
        /// Connections a second that a tuple sustains at most while this end closes first, and with
        /// TIME_WAITs used again (nil: they are not, or at once).
        case rate(perSecond: Double, usable: Int, withReuse: Double?)
        /// `tcp_tw_reuse` is on, and `tcp_timestamps` are off.
        case reuseWithoutTimestamps(reuse: UInt8)
        /// `tcp_tw_reuse` is 0 or 2, and what it leaves out.
        case reuse(UInt8, LeftOut, delay: UInt32, timestamps: Bool)
        /// `tcp_tw_reuse` is 1, with timestamps. The delay is in milliseconds.
        case reuseOn(delay: UInt32)
        /// `tcp_fin_timeout` is less than 60 s.
        case finTimeout(UInt32)
        /// `tcp_max_tw_buckets`; how many TIME_WAITs there are, nil if that is not known.
        case maxTimeWaits(UInt32, range: Int, now: Int?)
        /// `tcp_tw_recycle` is on.
        case recycle
    }

    /// Another range, and what it would add to the usable ports.
    package struct Wider: Hashable, Sendable {
        package var range: PortRange
        package var gain: Int
        /// Of the ports usable now; nil if there are none.
        package var percent: Int?
    }

    /// Who holds a port for all destinations.
    package struct Holder: Hashable, Sendable {
        package var address: IPAddress
        package var port: UInt16
        /// `.unknown` if it may not be seen.
        package var process: ProcessID

        package init(address: IPAddress, port: UInt16, process: ProcessID) {
            self.address = address
            self.port = port
            self.process = process
        }
    }

    /// Connections of this end whose TIME_WAIT is not used again.
    package struct LeftOut: Hashable, Sendable {
        package var timeWaits = 0
        package var connections = 0
        /// The tuple with the most of these TIME_WAITs, and how many of all it has.
        package var fullest: Tuple?
        package var fullestCount = 0
    }

    /// What is in the namespace now.
    package struct Inventory: Sendable {
        /// Nil if they could not be listed.
        package var sockets: [KernelSocket]?
        /// By the inode number of a socket.
        package var owners: [UInt32: ProcessID]
        /// One of Kubernetes, if it is here.
        package var kubernetes: ProcessID?

        package init(
            sockets: [KernelSocket]?, owners: [UInt32: ProcessID] = [:],
            kubernetes: ProcessID? = nil
        ) {
            self.sockets = sockets
            self.owners = owners
            self.kubernetes = kubernetes
        }
    }

    package let findings: [Finding]
    /// What `ip_local_reserved_ports` should be, if it should be longer than it is: so that servers in
    /// the range, also in the wider one, and NodePorts keep their ports.
    package let reservation: PortSet?

    package var hurts: Bool { findings.contains { $0.verdict == .hurts } }

    package init(_ settings: NetworkSettings, _ inventory: Inventory) {
        let reviewer = Reviewer(settings, inventory)
        findings = reviewer.findings
        reservation = reviewer.reservation
    }

    // MARK: What is known

    /// 32768-60999, the kernel's default.
    package static let defaultRange = PortRange(low: 32768, high: 60999)
    /// What is safe to widen the range to: below lie most of the services.
    package static let wideRange = PortRange(low: 10000, high: 65535)
    /// RFC 6335, section 6.
    package static let dynamicRange = PortRange(low: 49152, high: 65535)
    /// The default of `--service-node-port-range`.
    package static let nodePortRange = PortRange(low: 30000, high: 32767)
    /// Seconds: TCP_TIMEWAIT_LEN.
    package static let timeWaitLength = 60

    /// Processes that run wherever Kubernetes hands out NodePorts.
    package static let kubernetes: Set<ProcessID.Name> = [
        ProcessID.Name("kube-proxy"), ProcessID.Name("kubelet"), ProcessID.Name("kubelite"),
        ProcessID.Name("k3s-server"), ProcessID.Name("k3s-agent"),
    ]

    /// A tenth: from there on a part of the ports is no longer negligible.
    fileprivate static func isMuch(_ part: Int, of whole: Int) -> Bool {
        part > 0 && part * 10 >= whole
    }
}

private typealias Topic = SettingsReview.Topic

private struct Reviewer {
    let settings: NetworkSettings
    let inventory: SettingsReview.Inventory
    var findings: [SettingsReview.Finding] = []

    private let pool: PortPool
    private let rules: TimeWaitRules
    private let sockets: [KernelSocket]
    /// Reserved, or held by a bind: ports that no connect() chooses.
    private let taken: PortSet
    private let usable: Int

    init(_ settings: NetworkSettings, _ inventory: SettingsReview.Inventory) {
        self.settings = settings
        self.inventory = inventory
        pool = settings.namespace.pool
        rules = settings.namespace.timeWait
        sockets = inventory.sockets ?? []
        var taken = pool.reserved
        for socket in sockets where socket.state == .listen || socket.state == .bound {
            taken.insert(socket.localPort)
        }
        self.taken = taken
        usable = pool.range.count - taken.count(in: pool.range)
        reviewPorts()
        reviewTimeWaits()
    }

    private mutating func add(_ verdict: SettingsReview.Verdict, _ topic: Topic) {
        findings.append(SettingsReview.Finding(verdict: verdict, topic: topic))
    }

    // MARK: Ports

    private mutating func reviewPorts() {
        let range = pool.range
        let isNarrow = range.count < SettingsReview.defaultRange.count
        add(
            isNarrow || usable == 0 ? .hurts : wider == nil ? .ok : .note,
            .range(range, usable: usable, wider: wider))
        if pool.reservedInRange > 0 {
            add(share(pool.reservedInRange), .reserved(pool.reservedInRange, of: range))
        }
        for (state, topic) in [
            (KernelSocket.State.listen, Topic.listeners), (.bound, Topic.bound),
        ] {
            let holders = holders(in: state)
            if !holders.isEmpty { add(share(Set(holders.map(\.port)).count), topic(holders)) }
        }
        if let process = inventory.kubernetes {
            let shared = nodePorts(in: range)
            if shared > 0 { add(.hurts, .nodePorts(shared, process)) }
        }
        let dynamic = SettingsReview.dynamicRange
        if !dynamic.contains(range) {
            add(.note, .notDynamic(min(range.count, Int(dynamic.low) - Int(range.low))))
        }
        let isReused = rules.reuse == 1 && rules.timestamps && rules.reuseDelay > 0
        add(
            .note,
            .rate(
                perSecond: Double(usable) / Double(SettingsReview.timeWaitLength), usable: usable,
                withReuse: isReused ? Double(usable) * 1000 / Double(rules.reuseDelay) : nil))
    }

    private func share(_ ports: Int) -> SettingsReview.Verdict {
        SettingsReview.isMuch(ports, of: pool.range.count) ? .hurts : .note
    }

    private var wider: SettingsReview.Wider? {
        let wide = SettingsReview.wideRange
        var lost = taken
        if inventory.kubernetes != nil { lost.insert(SettingsReview.nodePortRange) }
        let gain = wide.count - lost.count(in: wide) - usable
        guard gain > 0 else { return nil }
        return SettingsReview.Wider(
            range: wide, gain: gain, percent: usable > 0 ? (gain * 200 / usable + 1) / 2 : nil)
    }

    private func holders(in state: KernelSocket.State) -> [SettingsReview.Holder] {
        let holders = sockets.filter { socket in
            socket.state == state && pool.range.contains(socket.localPort)
                && !pool.reserved.contains(socket.localPort)
        }.map { socket in
            SettingsReview.Holder(
                address: socket.local, port: socket.localPort,
                process: inventory.owners[socket.inode] ?? .unknown)
        }
        // Several may share a port and an address (SO_REUSEPORT).
        return Set(holders).sorted {
            ($0.port, $0.address.high, $0.address.low, $0.process.pid)
                < ($1.port, $1.address.high, $1.address.low, $1.process.pid)
        }
    }

    private func nodePorts(in range: PortRange) -> Int {
        let node = SettingsReview.nodePortRange
        let low = max(range.low, node.low)
        let high = min(range.high, node.high)
        return pool.usable(of: PortRange(low: low, high: high))
    }

    var reservation: PortSet? {
        var wanted = pool.reserved
        for socket in sockets where socket.state == .listen {
            for range in [pool.range, wider?.range] {
                if range?.contains(socket.localPort) == true { wanted.insert(socket.localPort) }
            }
        }
        if inventory.kubernetes != nil { wanted.insert(SettingsReview.nodePortRange) }
        return wanted == pool.reserved ? nil : wanted
    }

    // MARK: TIME_WAITs

    private mutating func reviewTimeWaits() {
        if rules.reuse != 0, !rules.timestamps {
            add(rules.reuse == 1 ? .hurts : .note, .reuseWithoutTimestamps(reuse: rules.reuse))
        }
        if rules.reuse == 1 {
            if rules.timestamps { add(.ok, .reuseOn(delay: rules.reuseDelay)) }
        } else {
            let leftOut = leftOut
            add(
                SettingsReview.isMuch(leftOut.fullestCount, of: usable)
                    ? .hurts : leftOut.timeWaits + leftOut.connections > 0 ? .note : .ok,
                .reuse(
                    rules.reuse, leftOut, delay: rules.reuseDelay, timestamps: rules.timestamps))
        }
        if settings.finTimeout < SettingsReview.timeWaitLength {
            add(.note, .finTimeout(settings.finTimeout))
        }
        let range = pool.range.count
        add(
            rules.limit < range ? .hurts : .ok,
            .maxTimeWaits(
                rules.limit, range: range, now: inventory.sockets?.count(where: \.isTimeWait)))
        if settings.recycles == true { add(.hurts, .recycle) }
    }

    /// What is taken for a connection of this end: from a port of the range, on which nobody listens.
    private var leftOut: SettingsReview.LeftOut {
        var listening = PortSet()
        for socket in sockets where socket.state == .listen { listening.insert(socket.localPort) }
        var leftOut = SettingsReview.LeftOut()
        var counts: [Tuple: Int] = [:]
        for socket in sockets {
            switch socket.state {
            case .listen, .bound, .synReceived, .newSynReceived: continue
            default: break
            }
            guard pool.range.contains(socket.localPort),
                !listening.contains(socket.localPort),
                rules.reuse == 0 || !socket.isOnLoopback
            else { continue }
            if socket.state != .timeWait {
                leftOut.connections += 1
                continue
            }
            leftOut.timeWaits += 1
            let tuple = Tuple(
                netns: settings.namespace.inode, local: socket.local, remote: socket.remote,
                remotePort: socket.remotePort)
            let count = counts[tuple, default: 0] + 1
            counts[tuple] = count
            if count > leftOut.fullestCount {
                leftOut.fullest = tuple
                leftOut.fullestCount = count
            }
        }
        return leftOut
    }
}

extension KernelSocket {
    /// As `tcp_twsk_unique()` sees it for `tcp_tw_reuse` 2: by the address of either end. A connection
    /// between two other addresses of one host is none, though it goes through the loopback device.
    package var isOnLoopback: Bool { local.isLoopback || remote.isLoopback }
}
