import PortModel

/// Writes one look at what is held and what is left, as text.
struct SnapshotWriter {
    let style: Style
    let layout: Layout

    func write(_ snapshot: Snapshot, in context: RenderContext, to line: inout TextBuffer) {
        if snapshot.source == .sockDiag {
            let start = line.bytes.count
            line.append(
                "from sock_diag, as BPF is not allowed here: ports that a bind() holds are counted "
                    + "only where the socket listens or is not connected, and every TIME_WAIT is taken to "
                    + "have timestamps\n")
            line.fold(since: start, width: layout.prose, indent: 0)
        }
        if snapshot.tuples.isEmpty, snapshot.bindPools.isEmpty {
            layout.fold(&line, indent: 0) {
                $0.append("no outgoing connections, and no port chosen by bind()\n")
            }
            return
        }
        var table = Table(
            [("share", 8), ("held", 8), ("TIME_WAIT", 10), ("usable", 8), ("left", 8)],
            label: "tuple, top processes")
        // Both are in order.
        var pools = snapshot.bindPools[...]
        for account in snapshot.tuples {
            while let pool = pools.first, pool.usage.share > account.usage.share {
                append(pools.removeFirst(), context, to: &table)
            }
            table.append(figures(account.usage)) {
                $0.append(account.tuple, context)
                end(account.tuple.netns, account.processes, context, &$0)
            }
        }
        for pool in pools { append(pool, context, to: &table) }
        table.write(layout, style, to: &line)
    }

    private func append(_ pool: BindPool, _ context: RenderContext, to table: inout Table) {
        table.append(figures(pool.usage)) {
            $0.append("bind ")
            $0.append(pool.key.local, port: 0)
            end(pool.key.netns, pool.processes, context, &$0)
        }
    }

    private func figures(_ usage: PortUsage) -> [Table.Figure] {
        [Table.Figure(share: usage.share, otherwise: "100.0 %")]
            + [usage.held, usage.timeWait, usage.usable, usage.available]
            .map { Table.Figure($0) }
    }

    private func end(
        _ netns: UInt32, _ processes: TopProcesses, _ context: RenderContext,
        _ line: inout TextBuffer
    ) {
        line.append(namespace: netns, context)
        for share in processes.leading.prefix(3) {
            line.append("  ")
            line.append(share.process)
        }
    }
}
