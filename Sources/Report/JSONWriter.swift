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
            write(start, &line)
        case .connection(let change): write(change, surroundings, &line)
        case .failure(let failure): write(failure, surroundings, &line)
        case .alert(let alert):
            head("alert", time, surroundings, &line)
            line.field("level", alert.level)
            line.field("percent", tenths: alert.percent)
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
            if let search = tick.search { line.field("search_us", Int(clamping: search / 1000)) }
            if let forecast = tick.forecast { write(forecast, &line) }
        case .lost(let count):
            head("lost", time, surroundings, &line)
            line.field("count", count)
        case .audit(let audit):
            head("audit", time, surroundings, &line)
            line.field("netns", name(of: audit.netns, surroundings))
            line.field("sockets", audit.sockets)
            line.field("drift", audit.totalDrift)
            line.field("took_ms", thousandths: audit.duration / 1000)
            line.array("tuples", audit.drift) { difference, line in
                line.append("{")
                addresses(difference.tuple, &line, first: true)
                line.field("drift", difference.ports)
                line.append("}")
            }
        case .namespace(let news): write(news, time, surroundings, &line)
        case .summary(let summary):
            head("summary", time, surroundings, &line)
            write(summary, surroundings, &line)
        case .progress(let summary):
            head("progress", time, surroundings, &line)
            write(summary, surroundings, &line)
        case .snapshot(let snapshot): write(snapshot, time, surroundings, &line)
        }
        line.append("}\n")
    }

    func write(_ start: Event.Start, _ line: inout Line) {
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
        settings(Summary.NamespaceRow(news.namespace, netns: news.netns), &line)
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
                    line.open(holding.process)
                    line.field("ports", holding.ports)
                    line.append("}")
                }
            }
        }
        if let search = failure.search { line.field("search_us", Int(search / 1000)) }
        line.field("count", failure.count)
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

    func write(_ range: PortRange, _ line: inout Line) { line.field("range", range) }

    /// The pool of a local address, which has no peer.
    func write(
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

    func write(_ tuple: Tuple, _ surroundings: Surroundings, _ line: inout Line) {
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

    func write(_ process: Process, _ line: inout Line) {
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
