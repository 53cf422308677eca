import PortModel

/// Writes one look at what is held and what is left, as text.
struct SnapshotWriter {
    let style: Style

    func write(_ snapshot: Snapshot, in surroundings: Surroundings, to line: inout Line) {
        if snapshot.source == .sockDiag {
            line.append(
                "from sock_diag, as BPF is not allowed here: ports that a bind() holds are counted "
                    + "only\nwhere the socket listens or is not connected, and every TIME_WAIT is taken to "
                    + "have timestamps\n")
        }
        if snapshot.tuples.isEmpty, snapshot.bindPools.isEmpty {
            line.append("no outgoing connections, and no port chosen by bind()\n")
            return
        }
        style.begin(.heading, &line)
        line.append("   share    held TIME_WAIT  usable    left  tuple, top processes\n")
        style.end(&line)
        // Both are in order.
        var pools = snapshot.bindPools[...]
        for account in snapshot.tuples {
            while let pool = pools.first, pool.standing.share > account.standing.share {
                row(pools.removeFirst(), surroundings, &line)
            }
            columns(account.standing, &line)
            line.append(account.tuple)
            end(account.tuple.netns, account.processes, surroundings, &line)
        }
        for pool in pools { row(pool, surroundings, &line) }
    }

    private func row(_ pool: BindPool, _ surroundings: Surroundings, _ line: inout Line) {
        columns(pool.standing, &line)
        line.append("bind ")
        line.append(pool.key.local, port: 0)
        end(pool.key.netns, pool.processes, surroundings, &line)
    }

    private func columns(_ standing: Standing, _ line: inout Line) {
        line.right(8) {
            guard standing.share.isFinite else { return $0.append("100.0 %") }
            $0.append(tenths: (standing.share * 1000).rounded(.down) / 10)
            $0.append(" %")
        }
        line.right(8) { $0.append(grouped: standing.held) }
        line.right(10) { $0.append(grouped: standing.timeWait) }
        line.right(8) { $0.append(grouped: standing.usable) }
        line.right(8) { $0.append(grouped: standing.available) }
        line.append("  ")
    }

    private func end(
        _ netns: UInt32, _ processes: TopProcesses, _ surroundings: Surroundings,
        _ line: inout Line
    ) {
        line.append(namespace: netns, surroundings)
        for share in processes.leading.prefix(3) {
            line.append("  ")
            line.append(share.process)
        }
        line.append("\n")
    }
}
