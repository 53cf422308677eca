import PortModel

/// Writes events as JSON, one object a line. `schema/event.schema.json` describes them.
package struct JSONWriter: Sendable {
    package init() {}

    /// Appends `event`, with a newline.
    ///
    /// - Parameter time: when it happened, in CLOCK_MONOTONIC nanoseconds.
    package func write(
        _ event: Event, at time: UInt64, in surroundings: Surroundings, to line: inout Line
    ) {
        line.append("{")
        switch event {
        case .start(let start):
            head("start", time, surroundings, &line)
            line.field("version", start.version)
            line.field("kernel", start.kernel)
            line.array("hooks", start.hooks) { $1.append(quoted: $0) }
        case .connection(let change): write(change, surroundings, &line)
        case .failure(let failure): write(failure, surroundings, &line)
        case .alert(let alert):
            head("alert", time, surroundings, &line)
            line.field("level", alert.level)
            line.name("percent")
            line.append(tenths: alert.percent)
            switch alert.subject {
            case .tuple(let tuple):
                write(tuple, surroundings, &line)
                write(alert.standing, &line)
            case .bindPool(let key):
                write(key, surroundings, &line)
                write(pool: alert.standing, &line)
            }
            if let forecast = alert.forecast { write(forecast, &line) }
            if let search = alert.longSearch { line.field("long_search_us", Int(search / 1000)) }
        case .bindPool(let pool):
            head("bind_pool", time, surroundings, &line)
            write(pool.key, surroundings, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("failed", pool.failed)
        case .tick(let tick):
            head("tick", time, surroundings, &line)
            write(tick.tuple, surroundings, &line)
            write(tick.standing, &line)
            line.field("opened", tick.since.opened)
            line.field("closed", tick.since.closed)
            line.field("failed", tick.since.failed)
            if let forecast = tick.forecast { write(forecast, &line) }
        case .lost(let count):
            head("lost", time, surroundings, &line)
            line.field("count", count)
        case .audit(let audit):
            head("audit", time, surroundings, &line)
            line.field("netns", name(of: audit.netns, surroundings))
            line.field("sockets", audit.sockets)
            line.field("drift", audit.totalDrift)
            line.name("took_ms")
            line.append(Int(audit.duration / 1_000_000))
            line.append(".")
            line.append(Int(audit.duration / 1000 % 1000), width: 3)
            line.array("tuples", audit.drift) { difference, line in
                line.append("{")
                addresses(difference.tuple, &line, first: true)
                line.field("drift", difference.ports)
                line.append("}")
            }
        case .namespace(let news): write(news, time, surroundings, &line)
        case .summary(let summary): write(summary, time, surroundings, &line)
        case .snapshot(let snapshot): write(snapshot, time, surroundings, &line)
        }
        line.append("}\n")
    }

    private func write(_ change: Change, _ surroundings: Surroundings, _ line: inout Line) {
        switch change.kind {
        case .opened: head("open", change.time, surroundings, &line)
        case .established: head("established", change.time, surroundings, &line)
        case .closed: head("close", change.time, surroundings, &line)
        case .released: head("release", change.time, surroundings, &line)
        case .connecting, .failed: return
        }
        write(change.tuple, surroundings, &line)
        if change.localPort != 0 { line.field("local_port", Int(change.localPort)) }
        write(change.process, &line)
        line.field("held", change.held)
        line.field("usable", change.usable)
        if case .closed(let timeWait, let lived, let error) = change.kind {
            line.field("time_wait", timeWait)
            if let lived { line.field("lived_us", Int(lived / 1000)) }
            if let error { line.field("error", surroundings.errnoName(Int32(error))) }
        }
    }

    private func write(
        _ news: Event.NamespaceNews, _ time: UInt64, _ surroundings: Surroundings,
        _ line: inout Line
    ) {
        head("namespace", time, surroundings, &line)
        line.field("state", news.kind.rawValue)
        line.field("netns", name(of: news.netns, surroundings))
        settings(news.namespace, &line)
    }

    private func settings(_ namespace: Namespace, _ line: inout Line) {
        line.field("inode", Int(namespace.inode))
        write(namespace.pool.range, &line)
        line.field("reserved", namespace.pool.reservedInRange)
        line.field("bound", namespace.pool.boundInRange)
        line.field("usable", namespace.pool.usable(of: namespace.pool.range))
        line.field("tw_reuse", Int(namespace.timeWait.reuse))
        line.field("tw_reuse_delay_ms", Int(namespace.timeWait.reuseDelay))
        line.field("timestamps", namespace.timeWait.timestamps)
        line.field("max_tw_buckets", Int(namespace.timeWait.limit))
    }

    private func write(_ failure: Failure, _ surroundings: Surroundings, _ line: inout Line) {
        head("failure", failure.time, surroundings, &line)
        line.field("call", failure.call.rawValue)
        line.name("errno")
        line.append("\"")
        line.append(failure.errnoName)
        line.append("\"")
        line.field("cause", failure.cause.rawValue)
        write(failure.process, &line)
        switch failure.call {
        case .connect: write(failure.tuple, surroundings, &line)
        case .bind:
            write(BindPool.Key(of: failure.tuple), surroundings, &line)
        }
        if failure.localPort != 0 { line.field("local_port", Int(failure.localPort)) }
        switch failure.call {
        case .connect: write(failure.standing, &line)
        case .bind: write(pool: failure.standing, &line)
        }
        if let wall = failure.wall {
            write(wall.range, &line)
            line.field("reserved", wall.reserved)
            line.field("bound", wall.bound)
            if !wall.holders.isEmpty {
                line.array("holders", wall.holders) { holding, line in
                    line.append("{\"pid\":")
                    line.append(Int(holding.process.pid))
                    line.append(",\"comm\":")
                    line.append(quoted: holding.process.name)
                    line.field("ports", holding.ports)
                    line.append("}")
                }
            }
        }
        if let search = failure.search { line.field("search_us", Int(search / 1000)) }
        line.field("count", failure.count)
    }

    private func write(
        _ summary: Summary, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        head("summary", time, surroundings, &line)
        line.name("duration_s")
        line.append(Int(summary.duration / 1_000_000_000))
        line.append(".")
        line.append(Int(summary.duration / 1_000_000 % 1000), width: 3)
        line.field("opened", summary.totals.opened)
        line.field("closed", summary.totals.closed)
        line.field("failed", summary.totals.failed)
        line.field("lost", Int(clamping: summary.accuracy.lost))
        line.field("skipped", Int(clamping: summary.accuracy.skipped))
        line.field("slipped", Int(clamping: summary.accuracy.slipped))
        line.field("audits", summary.accuracy.audits)
        line.field("largest_drift", summary.accuracy.largestDrift)
        line.field("last_drift", summary.accuracy.lastDrift)
        line.field("repairs", summary.accuracy.repairs)
        line.field("complete", summary.accuracy.isComplete)
        line.field("lines_dropped", summary.linesDropped)
        line.field("held", summary.held)
        line.field("time_wait", summary.timeWait)
        line.field("tuples_omitted", summary.tuplesOmitted)
        write(summary.namespaces, surroundings, &line)
        line.array("bind_pools", summary.bindPools) { pool, line in
            line.append("{")
            line.field("netns", name(of: pool.key.netns, surroundings), first: true)
            local(pool.key.local, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("peak", pool.peak)
            line.field("failed", pool.failed)
            write(top: pool.processes, &line)
            line.append("}")
        }
        line.array("refused", summary.refusals) { refusal, line in
            line.append("{\"call\":\"")
            line.append(refusal.refused.call.rawValue)
            line.append("\"")
            line.field("cause", refusal.refused.cause.rawValue)
            switch refusal.refused.call {
            case .connect: write(refusal.refused.tuple, surroundings, &line)
            case .bind: write(BindPool.Key(of: refusal.refused.tuple), surroundings, &line)
            }
            if refusal.refused.localPort != 0 {
                line.field("local_port", Int(refusal.refused.localPort))
            }
            write(refusal.refused.process, &line)
            line.field("count", refusal.count)
            line.append("}")
        }
        line.array("tuples", summary.tuples) { account, line in
            line.append("{")
            line.field("netns", name(of: account.tuple.netns, surroundings), first: true)
            addresses(account.tuple, &line)
            write(account.standing, &line)
            line.field("peak", account.peak.held)
            if account.peak.held > 0 { line.field("peak_at", account.peak.time, surroundings) }
            line.field("opened", account.totals.opened)
            line.field("failed", account.totals.failed)
            line.name("errors")
            line.append("{")
            for (index, error) in account.errors.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { line.append(",") }
                line.append(quoted: surroundings.errnoName(Int32(error.key)))
                line.append(":")
                line.append(error.value)
            }
            line.append("}")
            line.name("causes")
            line.append("{")
            let causes = account.causes.sorted { $0.key.rawValue < $1.key.rawValue }
            for (index, cause) in causes.enumerated() {
                if index > 0 { line.append(",") }
                line.append(quoted: cause.key.rawValue)
                line.append(":")
                line.append(cause.value)
            }
            line.append("}")
            if let first = account.firstFailureAt {
                line.field("first_failure_at", first, surroundings)
            }
            write(top: account.processes, &line)
            line.append("}")
        }
        write(summary.advice, surroundings, &line)
    }

    func write(
        _ namespaces: [UInt32: Namespace], _ surroundings: Surroundings, _ line: inout Line
    ) {
        line.array("namespaces", namespaces.sorted { $0.value.inode < $1.value.inode }) {
            namespace, line in
            line.append("{")
            line.field("netns", name(of: namespace.key, surroundings), first: true)
            settings(namespace.value, &line)
            line.append("}")
        }
    }

    private func write(top processes: TopProcesses, _ line: inout Line) {
        guard let top = processes.top else { return }
        line.name("top_process")
        line.append("{\"pid\":")
        line.append(Int(top.pid))
        line.append(",\"comm\":")
        line.append(quoted: top.name)
        line.append("}")
    }

    func write(_ standing: Standing, _ line: inout Line) {
        line.field("held", standing.held)
        line.field("time_wait", standing.timeWait)
        line.field("reusable", standing.reusable)
        line.field("usable", standing.usable)
        line.field("available", standing.available)
    }

    /// Of its ports in TIME_WAIT, a bind() may use none again.
    private func write(pool standing: Standing, _ line: inout Line) {
        line.field("held", standing.held)
        line.field("usable", standing.usable)
        line.field("available", standing.available)
    }

    func write(_ range: PortRange, _ line: inout Line) {
        line.name("range")
        line.append("[")
        line.append(Int(range.low))
        line.append(",")
        line.append(Int(range.high))
        line.append("]")
    }

    /// The pool of a local address, which has no peer.
    private func write(
        _ key: BindPool.Key, _ surroundings: Surroundings, _ line: inout Line
    ) {
        line.field("netns", name(of: key.netns, surroundings))
        local(key.local, &line)
    }

    func head(
        _ event: StaticString, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        line.append("\"event\":\"")
        line.append(event)
        line.append("\"")
        line.field("time", time, surroundings)
    }

    private func write(_ tuple: Tuple, _ surroundings: Surroundings, _ line: inout Line) {
        line.field("netns", name(of: tuple.netns, surroundings))
        addresses(tuple, &line)
    }

    func local(_ address: IPAddress, _ line: inout Line, first: Bool = false) {
        line.name("local", first: first)
        line.append("\"")
        line.append(address)
        line.append("\"")
    }

    func addresses(_ tuple: Tuple, _ line: inout Line, first: Bool = false) {
        local(tuple.local, &line, first: first)
        line.name("remote")
        line.append("\"")
        line.append(tuple.remote)
        line.append("\"")
        line.field("remote_port", Int(tuple.remotePort))
    }

    private func write(_ process: Process, _ line: inout Line) {
        if process.pid != 0 { line.field("pid", Int(process.pid)) }
        if process.name != Process.Name() {
            line.name("comm")
            line.append(quoted: process.name)
        }
    }

    func name(of netns: UInt32, _ surroundings: Surroundings) -> String {
        surroundings.namespaceNames[netns] ?? String(netns)
    }
}

extension Line {
    mutating func name(_ name: StaticString, first: Bool = false) {
        append(first ? "\"" : ",\"")
        append(name)
        append("\":")
    }

    mutating func field(_ name: StaticString, _ value: Int) {
        self.name(name)
        append(value)
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        self.name(name)
        append(value ? "true" : "false" as StaticString)
    }

    mutating func field(_ name: StaticString, _ value: String, first: Bool = false) {
        self.name(name, first: first)
        append(quoted: value)
    }

    mutating func field(_ name: StaticString, _ time: UInt64, _ surroundings: Surroundings) {
        self.name(name)
        append("\"")
        surroundings.timestamps.appendUTC(time, to: &self)
        append("\"")
    }

    mutating func array<Element>(
        _ name: StaticString, _ elements: [Element], _ write: (Element, inout Line) -> Void
    ) {
        self.name(name)
        append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            write(element, &self)
        }
        append("]")
    }

    mutating func append(quoted text: String) {
        append("\"")
        for scalar in text.unicodeScalars { append(escaped: scalar) }
        append("\"")
    }

    /// Bytes that are no UTF-8 become U+FFFD.
    mutating func append(quoted name: Process.Name) {
        var isASCII = true
        name.forEachByte { if $0 >= 0x80 { isASCII = false } }
        if isASCII {
            append("\"")
            name.forEachByte { append(escaped: Unicode.Scalar($0)) }
            append("\"")
        } else {
            var bytes: [UInt8] = []
            name.forEachByte { bytes.append($0) }
            append(quoted: String(decoding: bytes, as: UTF8.self))
        }
    }

    /// What a terminal might obey is escaped, and what some readers take for the end of a line.
    private mutating func append(escaped scalar: Unicode.Scalar) {
        switch scalar.value {
        case ..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
            append("\\u")
            for shift in [12, 8, 4, 0] as [UInt32] {
                append(byte: Self.hex[Int(scalar.value >> shift & 15)])
            }
        case 0x22, 0x5c:
            append("\\")
            append(byte: UInt8(scalar.value))
        case ..<0x80: append(byte: UInt8(scalar.value))
        default: for byte in UTF8.encode(scalar)! { append(byte: byte) }
        }
    }
}
