import PortModel

/// The lines that frame a command's run, for a person or a CI log. Each ends with a newline.
package enum RunText {
    /// Tuples whose leftovers are told.
    private static let rows = 3

    // MARK: Before

    /// What is still held from before; nothing where nothing is.
    package static func leftovers(_ leftovers: Leftovers, at now: UInt64) -> TextBuffer {
        var line = TextBuffer()
        let rows = leftovers.rows
        for row in rows.prefix(Self.rows) {
            line.append("portgauge: ")
            ports(row, &line)
            line.append(" towards ")
            line.append(row.tuple.remote, port: row.tuple.remotePort)
            line.append(" from ")
            line.append(row.tuple.local, port: 0)
            free(row.lastFree, at: now, &line)
            line.append("\n")
        }
        if rows.count > Self.rows {
            line.append("portgauge: and ports towards ")
            line.append(grouped: rows.count - Self.rows)
            line.append(" more\n")
        }
        return line
    }

    private static func ports(_ row: Leftovers.Row, _ line: inout TextBuffer) {
        line.append(grouped: row.held)
        line.append(row.held == 1 ? " port " : " ports ")
        if row.timeWait == row.held { return line.append("in TIME_WAIT") }
        line.append("held")
        guard row.timeWait > 0 else { return }
        line.append(", ")
        line.append(grouped: row.timeWait)
        line.append(" of them in TIME_WAIT,")
    }

    private static func free(_ last: UInt64?, at now: UInt64, _ line: inout TextBuffer) {
        guard let last else { return }
        line.append(", the last is free in ")
        line.append(grouped: seconds(until: last, from: now))
        line.append(" s")
    }

    private static func seconds(until end: UInt64, from now: UInt64) -> Int {
        end > now ? Int(clamping: (end - now + 999_999_999) / 1_000_000_000) : 0
    }

    /// Waiting for TIME_WAITs to end: `share` of it is done. Without newline.
    package static func progress(_ leftovers: Leftovers, share: Double, at now: UInt64)
        -> TextBuffer
    {
        var line = TextBuffer()
        let done = Int((min(max(share, 0), 1) * 20).rounded())
        line.append("waiting [")
        for place in 0..<20 { line.append(place < done ? "#" : " ") }
        line.append("] ")
        line.append(grouped: leftovers.timeWaits)
        line.append(" in TIME_WAIT")
        if let last = leftovers.lastFree {
            line.append(", ")
            line.append(grouped: seconds(until: last, from: now))
            line.append(" s left")
        }
        return line
    }

    /// The same where there is no terminal to draw on, once.
    package static func waiting(_ leftovers: Leftovers, limit: Int, at now: UInt64) -> TextBuffer {
        var line = TextBuffer()
        line.append("portgauge: waiting up to ")
        line.append(grouped: limit)
        line.append(" s for ")
        line.append(grouped: leftovers.timeWaits)
        line.append(leftovers.timeWaits == 1 ? " port in TIME_WAIT" : " ports in TIME_WAIT")
        free(leftovers.lastFree, at: now, &line)
        line.append("\n")
        return line
    }

    // MARK: After

    /// Who lives on.
    package static func survivors(_ count: Int, named names: [ProcessID]) -> TextBuffer {
        var line = TextBuffer()
        line.append("portgauge: ")
        line.append(grouped: count)
        line.append(count == 1 ? " process of it still runs" : " processes of it still run")
        for (index, process) in names.enumerated() {
            line.append(index == 0 ? ": " : ", ")
            line.append(process)
        }
        if count > names.count, !names.isEmpty { line.append(", …") }
        line.append("\n")
        return line
    }

    /// What has become of it.
    ///
    /// - Parameter ending: why the command itself has failed; nil if it has not.
    package static func verdict(_ verdict: Verdict, ending: String?, _ summary: Summary?)
        -> TextBuffer
    {
        var line = TextBuffer()
        line.append("portgauge: ")
        if ending == nil, verdict.findings.isEmpty {
            line.append("PASS ")
            if let summary { pass(summary, &line) }
        } else {
            line.append("FAIL ")
            line.append(ending ?? "")
            for (index, finding) in verdict.findings.enumerated() {
                if index > 0 || ending != nil { line.append("; ") }
                append(finding, &line)
            }
        }
        line.append("\n")
        return line
    }

    /// The wait for a clean start took too long.
    package static func unclean(_ leftovers: Leftovers, after limit: Int) -> TextBuffer {
        var line = TextBuffer()
        line.append("portgauge: FAIL not clean: after ")
        line.append(grouped: limit)
        line.append(" s ")
        line.append(grouped: leftovers.timeWaits)
        line.append(leftovers.timeWaits == 1 ? " port is" : " ports are")
        line.append(" still in TIME_WAIT")
        if let most = leftovers.rows.first {
            line.append(", most towards ")
            line.append(most.tuple.remote, port: most.tuple.remotePort)
        }
        line.append("; the command was not run\n")
        return line
    }

    private static func pass(_ summary: Summary, _ line: inout TextBuffer) {
        line.append(grouped: summary.totals.opened)
        line.append(" connects, ")
        line.append(grouped: summary.portExhaustion.connects + summary.portExhaustion.binds)
        line.append(" failed for want of a port")
        guard let fullest = summary.tuples.first else { return }
        line.append(", peak ")
        share(fullest.peak.usage, &line)
        line.append(" of ")
        append(fullest.tuple, &line)
    }

    private static func append(_ finding: Verdict.Finding, _ line: inout TextBuffer) {
        switch finding {
        case .exhausted(let count, let most):
            line.append("exhausted: ")
            calls(count, most, &line)
            if let most { others(count - most.count, &line) }
            line.append(" found no port")
        case .failure(let count, let most):
            line.append("failure: ")
            calls(count, most, &line)
            line.append(" failed")
            if let cause = most?.call.cause {
                line.append(": ")
                line.append(cause.rawValue)
            }
            // For another cause, maybe.
            if let most { others(count - most.count, &line) }
        case .tupleShare(let percent, let tuple, let usage):
            share(percent, usage, &line)
            append(tuple, &line)
        case .poolShare(let percent, let local, let usage):
            share(percent, usage, &line)
            line.append("bind ")
            line.append(local, port: 0)
        case .lost(let count):
            line.append("inexact: ")
            line.append(grouped: Int(clamping: count))
            line.append(" records lost")
        case .slipped(let count):
            line.append("inexact: ")
            line.append(grouped: Int(clamping: count))
            line.append(" transitions not seen")
        case .drift(let ports):
            line.append("inexact: a drift of ")
            line.append(grouped: ports)
            line.append(ports == 1 ? " port" : " ports")
        case .hook(let loss):
            line.append("inexact: ")
            line.append(loss)
        case .unfinished:
            line.append("inexact: tracing ended before the command")
        }
    }

    /// `96 connects of wrk[123] to 127.0.0.1:8080`
    private static func calls(
        _ count: Int, _ most: FailedCall.Count?, _ line: inout TextBuffer
    ) {
        guard let most else {
            line.append(grouped: count)
            return line.append(count == 1 ? " call" : " calls")
        }
        line.append(grouped: most.count)
        switch most.call.kind {
        case .connect: line.append(most.count == 1 ? " connect of " : " connects of ")
        case .bind: line.append(most.count == 1 ? " bind of " : " binds of ")
        }
        line.append(most.call.process)
        line.append(" to ")
        switch most.call.scope {
        case .tuple(let tuple): line.append(tuple.remote, port: tuple.remotePort)
        case .bindPool(let key): line.append(key.local, port: most.call.localPort)
        }
    }

    private static func others(_ count: Int, _ line: inout TextBuffer) {
        guard count > 0 else { return }
        line.append(" and ")
        line.append(grouped: count)
        line.append(" more")
    }

    /// A log is searched for addresses, not for names.
    private static func append(_ tuple: Tuple, _ line: inout TextBuffer) {
        line.append(tuple.local, port: 0)
        line.append(" → ")
        line.append(tuple.remote, port: tuple.remotePort)
    }

    private static func share(_ percent: Int, _ usage: PortUsage, _ line: inout TextBuffer) {
        line.append(percent)
        line.append("%: ")
        line.append(grouped: usage.used)
        line.append(" of ")
        line.append(grouped: usage.usable)
        line.append(" ports (")
        share(usage, &line)
        line.append(") of ")
    }

    private static func share(_ usage: PortUsage, _ line: inout TextBuffer) {
        line.append(tenths: Double(usage.permille) / 10)
        line.append(" %")
    }
}
