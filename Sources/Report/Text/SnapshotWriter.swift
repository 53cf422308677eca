import Events
import PortModel

/// Writes a snapshot, the ports held and left at one moment, as text.
struct SnapshotWriter {
    let style: Style
    let layout: Layout

    func write(_ snapshot: Snapshot, in context: RenderContext, to line: inout TextBuffer) {
        if snapshot.source == .sockDiag {
            let start = line.bytes.count
            line += """
                from sock_diag, as BPF is not allowed here: ports that a bind() holds are counted \
                only where the socket listens or is not connected, and every TIME_WAIT is taken to \
                have timestamps

                """
            line.fold(since: start, width: layout.prose, indent: 0)
        }
        if snapshot.tuples.isEmpty, snapshot.bindPools.isEmpty {
            line += layout.folded(
                "no outgoing connections, and no port chosen by bind()\n", indent: 0)
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
            let end = end(account.tuple.netns, account.processes, context)
            table.append(figures(account.usage), "\(account.tuple, context)\(end)")
        }
        for pool in pools { append(pool, context, to: &table) }
        table.write(layout, style, to: &line)
    }

    private func append(_ pool: Snapshot.PoolRow, _ context: RenderContext, to table: inout Table) {
        let end = end(pool.key.netns, pool.processes, context)
        table.append(figures(pool.usage), "bind \(pool.key.local, port: 0)\(end)")
    }

    private func figures(_ usage: PortUsage) -> [Table.Figure] {
        [Table.Figure(share: usage.share, otherwise: "100.0 %")]
            + [usage.held, usage.timeWait, usage.usable, usage.available].map { Table.Figure($0) }
    }

    private func end(
        _ netns: UInt32, _ processes: [Snapshot.Owner], _ context: RenderContext
    ) -> TextBuffer {
        let owners = processes.map { TextBuffer("  \($0.process)") }
        return "\(netns: netns, context)\(joined: owners, by: "")"
    }
}
