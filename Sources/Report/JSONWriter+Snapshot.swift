import PortModel

extension JSONWriter {
    func write(
        _ snapshot: Snapshot, _ time: UInt64, _ surroundings: Surroundings, _ line: inout Line
    ) {
        head("snapshot", time, surroundings, &line)
        line.field("source", snapshot.source.rawValue)
        line.name("worst_percent")
        line.append(tenths: (snapshot.worst * 10).rounded(.down) / 10)
        write(snapshot.namespaces, surroundings, &line)
        line.array("bind_pools", snapshot.bindPools) { pool, line in
            line.append("{")
            line.field("netns", name(of: pool.key.netns, surroundings), first: true)
            local(pool.key.local, &line)
            line.field("held", pool.used)
            line.field("usable", pool.usable)
            line.field("available", pool.standing.available)
            write(pool.processes, &line)
            line.append("}")
        }
        line.array("tuples", snapshot.tuples) { account, line in
            line.append("{")
            line.field("netns", name(of: account.tuple.netns, surroundings), first: true)
            addresses(account.tuple, &line)
            write(account.standing, &line)
            write(account.range, &line)
            write(account.processes, &line)
            line.append("}")
        }
    }

    /// The top three.
    private func write(_ processes: TopProcesses, _ line: inout Line) {
        line.array("processes", Array(processes.leading.prefix(3))) { share, line in
            line.append("{\"pid\":")
            line.append(Int(share.process.pid))
            line.append(",\"comm\":")
            line.append(quoted: share.process.name)
            line.field("sockets", share.opened)
            line.append("}")
        }
    }
}
