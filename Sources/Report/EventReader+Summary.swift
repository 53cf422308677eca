import PortModel

extension EventReader {
    mutating func start() throws(Unreadable) -> Event.Start {
        let root = Self.root
        var start = Event.Start(
            version: try string("version", in: root), kernel: try string("kernel", in: root),
            hooks: try array("hooks", in: root) { reader, node throws(Unreadable) in
                try reader.string(node)
            })
        start.format = try int("format", in: root)
        if let host = optional("host", in: root) { start.host = try string(host) }
        if let machine = optional("machine", in: root) { start.machine = try string(machine) }
        start.cpus = try optionalInt("cpus", in: root) ?? 0
        start.command = try array("command", in: root) { reader, node throws(Unreadable) in
            try reader.string(node)
        }
        start.ownInode = try optionalInt("netns_inode", in: root, to: Int(UInt32.max))
            .map { UInt32($0) }
        start.localOffset = try int("utc_offset_s", in: root, from: -86_400, to: 86_400)
        start.thresholds = try array("warn_at", in: root) { reader, node throws(Unreadable) in
            try reader.int(node, to: 100)
        }
        return start
    }

    /// A `summary` or a `progress`, as `JSONWriter` has written it.
    mutating func summary() throws(Unreadable) -> Summary {
        let root = Self.root
        let seconds = try double("duration_s", in: root)
        guard (0...1e12).contains(seconds) else { throw Unreadable() }
        var summary = Summary(
            duration: UInt64((seconds * 1000).rounded()) * 1_000_000,
            accuracy: try accuracy(), linesDropped: try int("lines_dropped", in: root))
        if optional("partial", in: root) != nil {
            summary.isPartial = try bool("partial", in: root)
        }
        summary.totals = try totals(in: root)
        summary.portExhaustion = try calls("want_of_port")
        summary.otherErrors = try calls("otherwise")
        summary.held = try int("held", in: root)
        summary.timeWait = try int("time_wait", in: root)
        summary.tuplesOmitted = try int("tuples_omitted", in: root)
        summary.namespaces = try objects("namespaces", in: root) {
            reader, node throws(Unreadable) in try reader.namespace(node)
        }
        summary.bindPools = try objects("bind_pools", in: root) {
            reader, node throws(Unreadable) in try reader.pool(node)
        }
        summary.refusals = try objects("refused", in: root) {
            reader, node throws(Unreadable) in try reader.refusal(node)
        }
        summary.tuples = try objects("tuples", in: root) {
            reader, node throws(Unreadable) in try reader.tupleRow(node)
        }
        summary.advice = try objects("advice", in: root) {
            reader, node throws(Unreadable) in try reader.advice(node)
        }
        return summary
    }

    private mutating func accuracy() throws(Unreadable) -> Accuracy {
        var accuracy = Accuracy()
        accuracy.lost = UInt64(try int("lost", in: Self.root))
        accuracy.skipped = UInt64(try int("skipped", in: Self.root))
        accuracy.slipped = UInt64(try int("slipped", in: Self.root))
        accuracy.audits = try int("audits", in: Self.root)
        accuracy.largestDrift = try int("largest_drift", in: Self.root)
        accuracy.lastDrift = try int("last_drift", in: Self.root)
        accuracy.repairs = try int("repairs", in: Self.root)
        return accuracy
    }

    private mutating func totals(in object: Node) throws(Unreadable) -> TupleState.Totals {
        var totals = TupleState.Totals()
        totals.opened = try int("opened", in: object)
        totals.closed = try int("closed", in: object)
        totals.closedFirst = try int("closed_first", in: object)
        totals.failed = try int("failed", in: object)
        return totals
    }

    private mutating func calls(_ name: StaticString) throws(Unreadable) -> Calls {
        let object = try node(name, in: Self.root, .object)
        return Calls(
            connects: try int("connects", in: object), binds: try int("binds", in: object))
    }

    // MARK: Rows

    private mutating func namespace(_ node: Node) throws(Unreadable) -> Summary.NamespaceRow {
        Summary.NamespaceRow(
            netns: try netns(in: node),
            inode: UInt32(try int("inode", in: node, to: Int(UInt32.max))),
            range: try range(in: node), reserved: try int("reserved", in: node),
            bound: try int("bound", in: node), timeWait: try timeWaitRules(in: node))
    }

    /// - Parameter object: which may lack the limit.
    mutating func timeWaitRules(in object: Node) throws(Unreadable) -> TimeWaitRules {
        TimeWaitRules(
            reuse: UInt8(try int("tw_reuse", in: object, to: 255)),
            reuseDelay: UInt32(try int("tw_reuse_delay_ms", in: object, to: Int(UInt32.max))),
            timestamps: try bool("timestamps", in: object),
            limit: UInt32(
                try optionalInt("max_tw_buckets", in: object, to: Int(UInt32.max)) ?? 0))
    }

    private mutating func pool(_ node: Node) throws(Unreadable) -> Summary.BindPoolRow {
        var row = Summary.BindPoolRow(
            key: try bindPool(in: node), used: try int("held", in: node),
            usable: try int("usable", in: node), peak: try int("peak", in: node),
            failed: try int("failed", in: node))
        row.processes = try shares(in: node)
        return row
    }

    private mutating func refusal(_ node: Node) throws(Unreadable) -> FailedCall.Count {
        var call = try failedCall(in: node)
        call.localPort = UInt16(try optionalInt("local_port", in: node, to: 65_535) ?? 0)
        return FailedCall.Count(call, count: try int("count", in: node))
    }

    private mutating func tupleRow(_ node: Node) throws(Unreadable) -> Summary.TupleRow {
        let tuple = try tuple(in: node)
        let usage = try usage(in: node)
        let range = try range(in: node)
        let held = try int("peak", in: node)
        let time = try optionalTime("peak_at", in: node) ?? 0
        let atPeak = try self.node("at_peak", in: node, .object)
        var row = Summary.TupleRow(
            tuple: tuple, range: range, usage: usage,
            peak: TupleState.Peak(
                usage: try self.usage(in: atPeak, held: held), time: time))
        row.totals = try totals(in: node)
        for (name, count) in try counts("errors", in: node) {
            row.errors[try errno(name)] = count
        }
        row.causes = try causes(in: node)
        row.firstFailureAt = try optionalTime("first_failure_at", in: node)
        row.processes = try shares(in: node)
        return row
    }

    private mutating func shares(
        in object: Node
    ) throws(Unreadable) -> [TopProcesses.Share] {
        try objects("processes", in: object) { reader, node throws(Unreadable) in
            var share = TopProcesses.Share(
                process: try reader.process(in: node), opened: try reader.int("opened", in: node),
                failed: try reader.int("failed", in: node))
            share.causes = try reader.causes(in: node)
            return share
        }
    }

    private mutating func causes(in object: Node) throws(Unreadable) -> [Cause: Int] {
        var causes: [Cause: Int] = [:]
        for (name, count) in try counts("causes", in: object) {
            guard let cause = Cause(rawValue: name) else { throw Unreadable() }
            causes[cause] = count
        }
        return causes
    }
}
