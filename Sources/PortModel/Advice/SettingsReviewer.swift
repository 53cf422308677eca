private typealias Topic = SettingsReview.Topic

/// Draws the findings from the settings and the sockets of a namespace.
struct SettingsReviewer {
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

    /// A tenth: from there on a part of the ports is no longer negligible.
    private static func isMuch(_ part: Int, of whole: Int) -> Bool {
        part > 0 && part * 10 >= whole
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
                perSecond: Double(usable) / Double(TimeWaitRules.seconds), usable: usable,
                withReuse: isReused ? Double(usable) * 1000 / Double(rules.reuseDelay) : nil))
    }

    private func share(_ ports: Int) -> SettingsReview.Verdict {
        Self.isMuch(ports, of: pool.range.count) ? .hurts : .note
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
                Self.isMuch(leftOut.fullestCount, of: usable)
                    ? .hurts : leftOut.timeWaits + leftOut.connections > 0 ? .note : .ok,
                .reuse(rules.reuse, leftOut, delay: rules.reuseDelay, timestamps: rules.timestamps))
        }
        if settings.finTimeout < TimeWaitRules.seconds {
            add(.note, .finTimeout(settings.finTimeout))
        }
        let range = pool.range.count
        add(
            rules.limit < range ? .hurts : .ok,
            .maxTimeWaits(
                rules.limit, range: range, now: inventory.sockets?.count(where: \.isTimeWait)))
        if settings.recycles == true { add(.hurts, .recycle) }
    }

    /// Counts as connections of this end those from a port of the range on which nobody listens.
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
            let tuple = Tuple(
                netns: settings.namespace.inode, local: socket.local, remote: socket.remote,
                remotePort: socket.remotePort)
            guard pool.range.contains(socket.localPort), !listening.contains(socket.localPort),
                rules.reuse == 0 || !tuple.isOnLoopback
            else { continue }
            if socket.state != .timeWait {
                leftOut.connections += 1
                continue
            }
            leftOut.timeWaits += 1
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
