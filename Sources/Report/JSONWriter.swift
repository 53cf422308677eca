import PortModel

/// Writes events as JSON, one object a line. `schema/event.schema.json` describes them.
package struct JSONWriter: Sendable {
    package init() {}

    /// Appends `event`, with a newline.
    ///
    /// - Parameter time: when it happened, in CLOCK_MONOTONIC nanoseconds.
    package func write(
        _ event: Event, at time: UInt64, in context: RenderContext, to line: inout TextBuffer
    ) {
        line.append("{")
        switch event {
        case .start(let start):
            head("start", time, context, &line)
            write(start, &line)
        case .connection(let change): write(change, context, &line)
        case .failure(let failure): write(failure, context, &line)
        case .alert(let alert):
            head("alert", time, context, &line)
            line.field("level", alert.level)
            line.field("percent", tenths: alert.percent)
            write(alert.scope, context, &line)
            switch alert.scope {
            case .tuple: write(alert.usage, &line)
            case .bindPool: write(pool: alert.usage, &line)
            }
            if let forecast = alert.forecast { write(forecast, &line) }
            if let search = alert.longSearch { line.field("long_search_us", Int(search / 1000)) }
        case .bindPool(let pool):
            head("bind_pool", time, context, &line)
            write(pool.key, context, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("failed", pool.failed)
        case .tick(let tick):
            head("tick", time, context, &line)
            write(tick.tuple, context, &line)
            write(tick.usage, &line)
            line.field("opened", tick.since.opened)
            line.field("closed", tick.since.closed)
            line.field("failed", tick.since.failed)
            if let search = tick.search { line.field("search_us", Int(clamping: search / 1000)) }
            if let forecast = tick.forecast { write(forecast, &line) }
        case .lost(let count):
            head("lost", time, context, &line)
            line.field("count", count)
        case .audit(let audit):
            head("audit", time, context, &line)
            line.field("netns", name(of: audit.netns, context))
            line.field("sockets", audit.sockets)
            line.field("drift", audit.totalDrift)
            line.field("took_ms", thousandths: audit.duration / 1000)
            line.array("tuples", audit.drift) { difference, line in
                line.append("{")
                addresses(difference.tuple, &line, first: true)
                line.field("drift", difference.ports)
                line.append("}")
            }
        case .namespace(let news): write(news, time, context, &line)
        case .summary(let summary):
            head("summary", time, context, &line)
            write(summary, context, &line)
        case .progress(let summary):
            head("progress", time, context, &line)
            write(summary, context, &line)
        case .snapshot(let snapshot): write(snapshot, time, context, &line)
        }
        line.append("}\n")
    }

    func write(_ start: Event.Start, _ line: inout TextBuffer) {
        line.field("format", start.format)
        line.field("version", start.version)
        if !start.host.isEmpty { line.field("host", start.host) }
        line.field("kernel", start.kernel)
        if !start.machine.isEmpty { line.field("machine", start.machine) }
        if start.cpus > 0 { line.field("cpus", start.cpus) }
        line.array("command", start.command) { $1.append(quoted: $0) }
        if let inode = start.ownInode { line.field("netns_inode", Int(inode)) }
        line.field("utc_offset_s", start.localOffset)
        line.array("warn_at", start.thresholds) { $1.append($0) }
        line.array("hooks", start.hooks) { $1.append(quoted: $0) }
    }

    private func write(_ change: Change, _ context: RenderContext, _ line: inout TextBuffer) {
        switch change.kind {
        case .opened: head("open", change.time, context, &line)
        case .established: head("established", change.time, context, &line)
        case .closed: head("close", change.time, context, &line)
        case .released: head("release", change.time, context, &line)
        case .connecting, .failed: return
        }
        write(change.tuple, context, &line)
        if change.localPort != 0 { line.field("local_port", Int(change.localPort)) }
        write(change.process, &line)
        line.field("held", change.held)
        line.field("usable", change.usable)
        if case .closed(let timeWait, let lived, let error) = change.kind {
            line.field("time_wait", timeWait)
            if let lived { line.field("lived_us", Int(lived / 1000)) }
            if let error { line.field("error", context.errnoName(Int32(error))) }
        }
    }

    private func write(
        _ news: Event.NamespaceNews, _ time: UInt64, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        head("namespace", time, context, &line)
        line.field("state", news.kind.rawValue)
        line.field("netns", name(of: news.netns, context))
        settings(Summary.NamespaceRow(news.namespace, netns: news.netns), &line)
    }

    private func write(_ failure: Failure, _ context: RenderContext, _ line: inout TextBuffer) {
        head("failure", failure.time, context, &line)
        line.field("call", failure.call.kind.rawValue)
        line.name("errno")
        line.append("\"")
        line.append(failure.call.errnoName)
        line.append("\"")
        line.field("cause", failure.call.causeName)
        write(failure.call.process, &line)
        write(failure.call.scope, context, &line)
        if failure.call.localPort != 0 { line.field("local_port", Int(failure.call.localPort)) }
        switch failure.call.kind {
        case .connect: write(failure.usage, &line)
        case .bind: write(pool: failure.usage, &line)
        }
        if let limit = failure.limit {
            write(limit.range, &line)
            line.field("reserved", limit.reserved)
            line.field("bound", limit.bound)
            if !limit.holders.isEmpty {
                line.array("holders", limit.holders) { holding, line in
                    line.open(holding.process)
                    line.field("ports", holding.ports)
                    line.append("}")
                }
            }
        }
        if let search = failure.search { line.field("search_us", Int(search / 1000)) }
        line.field("count", failure.count)
    }

    func write(_ usage: PortUsage, _ line: inout TextBuffer) {
        line.field("held", usage.held)
        line.field("time_wait", usage.timeWait)
        line.field("reusable", usage.reusable)
        line.field("usable", usage.usable)
        line.field("available", usage.available)
    }

    /// Of its ports in TIME_WAIT, a bind() may use none again.
    private func write(pool usage: PortUsage, _ line: inout TextBuffer) {
        line.field("held", usage.held)
        line.field("usable", usage.usable)
        line.field("available", usage.available)
    }

    func write(_ range: PortRange, _ line: inout TextBuffer) { line.field("range", range) }

    /// The pool of a local address, which has no peer.
    func write(
        _ key: BindPool.Key, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        line.field("netns", name(of: key.netns, context))
        local(key.local, &line)
    }

    func write(_ scope: PortScope, _ context: RenderContext, _ line: inout TextBuffer) {
        switch scope {
        case .tuple(let tuple): write(tuple, context, &line)
        case .bindPool(let key): write(key, context, &line)
        }
    }

    func head(
        _ event: StaticString, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        line.append("\"event\":\"")
        line.append(event)
        line.append("\"")
        line.field("time", time, context)
    }

    func write(_ tuple: Tuple, _ context: RenderContext, _ line: inout TextBuffer) {
        line.field("netns", name(of: tuple.netns, context))
        addresses(tuple, &line)
    }

    func local(_ address: IPAddress, _ line: inout TextBuffer, first: Bool = false) {
        line.name("local", first: first)
        line.append("\"")
        line.append(address)
        line.append("\"")
    }

    func addresses(_ tuple: Tuple, _ line: inout TextBuffer, first: Bool = false) {
        local(tuple.local, &line, first: first)
        line.name("remote")
        line.append("\"")
        line.append(tuple.remote)
        line.append("\"")
        line.field("remote_port", Int(tuple.remotePort))
    }

    func write(_ process: ProcessID, _ line: inout TextBuffer) {
        if process.pid != 0 { line.field("pid", Int(process.pid)) }
        if process.name != ProcessID.Name() {
            line.name("comm")
            line.append(quoted: process.name)
        }
    }

    func name(of netns: UInt32, _ context: RenderContext) -> String {
        context.namespaceNames[netns] ?? String(netns)
    }
}
