import Events
import PortModel

extension TextWriter {
    /// The ports held and left at one moment.
    func text(of snapshot: Snapshot, in context: RenderContext) -> TextBuffer {
        var text = TextBuffer()
        if snapshot.source == .sockDiag {
            text += """
                from sock_diag, as BPF is not allowed here: ports that a bind() holds are counted \
                only where the socket listens or is not connected, and every TIME_WAIT is taken to \
                have timestamps

                """
            text.fold(since: 0, width: layout.prose, indent: 0)
        }
        if snapshot.tuples.isEmpty, snapshot.bindPools.isEmpty {
            let nothing: TextBuffer = "no outgoing connections, and no port chosen by bind()\n"
            return "\(text)\(layout.folded(nothing, indent: 0))"
        }
        var table = Table(
            columns: [("share", 8), ("held", 8), ("TIME_WAIT", 10), ("usable", 8), ("left", 8)],
            label: "tuple, top processes")
        func append(
            _ usage: PortUsage, _ subject: TextBuffer, _ netns: UInt32, _ owners: [Snapshot.Owner]
        ) {
            let counts = [usage.held, usage.timeWait, usage.usable, usage.available]
            let share = Table.Figure(share: usage.share, otherwise: "100.0 %")
            let owners = owners.map { TextBuffer("  \($0.process)") }
            let label: TextBuffer = "\(subject)\(netns: netns, context)\(joined: owners, by: "")"
            table.rows.append(([share] + counts.map { Table.Figure($0) }, label))
        }
        func append(_ pool: Snapshot.PoolRow) {
            append(pool.usage, "bind \(pool.key.local, port: 0)", pool.key.netns, pool.processes)
        }
        // Both are in order.
        var pools = snapshot.bindPools[...]
        for account in snapshot.tuples {
            while let pool = pools.first, pool.usage.share > account.usage.share {
                append(pools.removeFirst())
            }
            let tuple = account.tuple
            append(account.usage, "\(tuple, context)", tuple.netns, account.processes)
        }
        for pool in pools { append(pool) }
        return "\(text)\(table.text(layout, style))"
    }
}
