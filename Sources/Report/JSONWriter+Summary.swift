import PortModel

extension JSONWriter {
    /// All that any report of the run shows, so that one can be made from it.
    func write(_ summary: Summary, _ context: RenderContext, _ line: inout TextBuffer) {
        line.field("duration_s", thousandths: summary.duration / 1_000_000)
        write(summary.totals, &line)
        line.name("want_of_port")
        write(summary.portExhaustion, &line)
        line.name("otherwise")
        write(summary.otherErrors, &line)
        write(summary.accuracy, &line)
        line.field("lines_dropped", summary.linesDropped)
        if summary.isPartial { line.field("partial", true) }
        line.field("held", summary.held)
        line.field("time_wait", summary.timeWait)
        line.field("tuples_omitted", summary.tuplesOmitted)
        write(summary.namespaces, context, &line)
        line.array("bind_pools", summary.bindPools) { pool, line in
            beginPool(pool.key, context, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("peak", pool.peak)
            line.field("failed", pool.failed)
            write(pool.processes, &line)
            line.append("}")
        }
        line.array("refused", summary.refusals) { write($0, context, &$1) }
        line.array("tuples", summary.tuples) { write($0, context, &$1) }
        write(summary.advice, context, &line)
    }

    private func write(_ totals: TupleState.Totals, _ line: inout TextBuffer) {
        line.field("opened", totals.opened)
        line.field("closed", totals.closed)
        line.field("closed_first", totals.closedFirst)
        line.field("failed", totals.failed)
    }

    private func write(_ calls: Calls, _ line: inout TextBuffer) {
        line.append("{\"connects\":")
        line.append(calls.connects)
        line.field("binds", calls.binds)
        line.append("}")
    }

    private func write(_ accuracy: Accuracy, _ line: inout TextBuffer) {
        line.field("lost", Int(clamping: accuracy.lost))
        line.field("skipped", Int(clamping: accuracy.skipped))
        line.field("slipped", Int(clamping: accuracy.slipped))
        line.field("audits", accuracy.audits)
        line.field("largest_drift", accuracy.largestDrift)
        line.field("last_drift", accuracy.lastDrift)
        line.field("repairs", accuracy.repairs)
        line.field("complete", accuracy.isComplete)
    }

    // MARK: Rows

    private func write(
        _ row: Summary.TupleRow, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        beginTuple(row.tuple, context, &line)
        write(row.usage, &line)
        write(row.range, &line)
        line.field("peak", row.peak.held)
        if row.peak.held > 0 { line.field("peak_at", row.peak.time, context) }
        line.name("at_peak")
        line.append("{\"time_wait\":")
        line.append(row.peak.timeWait)
        line.field("reusable", row.peak.usage.reusable)
        line.field("usable", row.peak.usable)
        line.field("available", row.peak.usage.available)
        line.append("}")
        write(row.totals, &line)
        line.counts(
            "errors",
            row.errors.sorted { $0.key < $1.key }.map {
                (name: context.errnoName(Int32($0.key)), count: $0.value)
            })
        write(row.causes, &line)
        if let first = row.firstFailureAt { line.field("first_failure_at", first, context) }
        write(row.processes, &line)
        line.append("}")
    }

    private func write(
        _ row: FailedCall.Count, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        line.append("{\"call\":\"")
        line.append(row.call.kind.rawValue)
        line.append("\"")
        line.field("cause", row.call.causeName)
        write(row.call.scope, context, &line)
        if row.call.localPort != 0 { line.field("local_port", Int(row.call.localPort)) }
        write(row.call.process, &line)
        line.field("count", row.count)
        line.append("}")
    }

    private func write(_ processes: [TopProcesses.Share], _ line: inout TextBuffer) {
        line.array("processes", processes) { share, line in
            line.open(share.process)
            line.field("opened", share.opened)
            line.field("failed", share.failed)
            write(share.causes, &line)
            line.append("}")
        }
    }

    private func write(_ causes: [Cause: Int], _ line: inout TextBuffer) {
        line.counts(
            "causes",
            causes.sorted { $0.key.rawValue < $1.key.rawValue }.map {
                (name: $0.key.rawValue, count: $0.value)
            })
    }

    // MARK: Namespaces

    func write(
        _ namespaces: [Summary.NamespaceRow], _ context: RenderContext, _ line: inout TextBuffer
    ) {
        line.array("namespaces", namespaces) { row, line in
            line.append("{")
            line.field("netns", name(of: row.netns, context), first: true)
            settings(row, &line)
            line.append("}")
        }
    }

    func settings(_ row: Summary.NamespaceRow, _ line: inout TextBuffer) {
        line.field("inode", Int(row.inode))
        write(row.range, &line)
        line.field("reserved", row.reserved)
        line.field("bound", row.bound)
        line.field("usable", row.usable)
        line.field("tw_reuse", Int(row.timeWait.reuse))
        line.field("tw_reuse_delay_ms", Int(row.timeWait.reuseDelay))
        line.field("timestamps", row.timeWait.timestamps)
        line.field("max_tw_buckets", Int(row.timeWait.limit))
    }

    // MARK: Beginnings

    /// An object of a tuple, which is not closed.
    func beginTuple(_ tuple: Tuple, _ context: RenderContext, _ line: inout TextBuffer) {
        line.append("{")
        line.field("netns", name(of: tuple.netns, context), first: true)
        addresses(tuple, &line)
    }

    /// An object of a pool that bind() chooses from, which is not closed.
    func beginPool(_ key: BindPool.Key, _ context: RenderContext, _ line: inout TextBuffer) {
        line.append("{")
        line.field("netns", name(of: key.netns, context), first: true)
        local(key.local, &line)
    }
}
