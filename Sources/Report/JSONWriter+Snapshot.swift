import PortModel

extension JSONWriter {
    func write(
        _ snapshot: Snapshot, _ time: UInt64, _ context: RenderContext, _ line: inout TextBuffer
    ) {
        head("snapshot", time, context, &line)
        line.field("source", snapshot.source.rawValue)
        line.field("worst_percent", tenths: (snapshot.worst * 10).rounded(.down) / 10)
        let namespaces = snapshot.namespaces.map { Summary.NamespaceRow($0.value, netns: $0.key) }
        write(namespaces.sorted { $0.inode < $1.inode }, context, &line)
        line.array("bind_pools", snapshot.bindPools) { pool, line in
            beginPool(pool.key, context, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("available", pool.usage.available)
            write(pool.processes, &line)
            line.append("}")
        }
        line.array("tuples", snapshot.tuples) { account, line in
            beginTuple(account.tuple, context, &line)
            write(account.usage, &line)
            write(account.range, &line)
            write(account.processes, &line)
            line.append("}")
        }
    }

    /// The top three.
    private func write(_ processes: TopProcesses, _ line: inout TextBuffer) {
        line.array("processes", Array(processes.leading.prefix(3))) { share, line in
            line.open(share.process)
            line.field("sockets", share.opened)
            line.append("}")
        }
    }
}
