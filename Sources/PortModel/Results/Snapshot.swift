/// One look at what is held and what is left.
package struct Snapshot: Sendable {
    package enum Source: String, Sendable {
        /// The kernel's own tables: all that it says is exact.
        case kernel = "bpf"
        /// sock_diag, without the bind-held ports of connected sockets and TIME_WAIT timestamps.
        case sockDiag = "sock_diag"
    }

    package var source: Source
    /// By their inode numbers.
    package var namespaces: [Summary.NamespaceRow]
    /// The fullest first.
    package var tuples: [TupleRow]
    package var bindPools: [PoolRow]

    package init(of ledger: Ledger, source: Source) {
        self.source = source
        namespaces = ledger.namespaces.map { Summary.NamespaceRow($0.value, netns: $0.key) }
            .sorted { $0.inode < $1.inode }
        tuples = ledger.shownTuples.sorted {
            ($0.usage.share, $0.held) > ($1.usage.share, $1.held)
        }.map {
            TupleRow(
                tuple: $0.tuple, range: $0.range, usage: $0.usage,
                processes: Owner.top($0.processes))
        }
        bindPools = ledger.bindPools.values.sorted { $0.usage.share > $1.usage.share }.map {
            PoolRow(key: $0.key, usage: $0.usage, processes: Owner.top($0.processes))
        }
    }

    /// How a tuple stands.
    package struct TupleRow: Sendable {
        package var tuple: Tuple
        package var range: PortRange
        package var usage: PortUsage
        package var processes: [Owner]

        package init(tuple: Tuple, range: PortRange, usage: PortUsage, processes: [Owner]) {
            (self.tuple, self.range, self.usage, self.processes) = (tuple, range, usage, processes)
        }
    }

    /// How a pool stands that bind() chooses from.
    package struct PoolRow: Sendable {
        package var key: BindPool.Key
        package var usage: PortUsage
        package var processes: [Owner]

        package init(key: BindPool.Key, usage: PortUsage, processes: [Owner]) {
            (self.key, self.usage, self.processes) = (key, usage, processes)
        }
    }

    /// A process, and how many sockets of a tuple or pool it has open.
    package struct Owner: Sendable {
        package var process: ProcessID
        package var sockets: Int

        package init(process: ProcessID, sockets: Int) {
            (self.process, self.sockets) = (process, sockets)
        }

        fileprivate static func top(_ processes: Callers) -> [Owner] {
            processes.leading.prefix(3).map { Owner(process: $0.process, sockets: $0.opened) }
        }
    }

    /// Percent of the usable ports that are used, of the fullest tuple or pool; 0 without any.
    package var worst: Double {
        let shares = tuples.prefix(1).map(\.usage.share) + bindPools.prefix(1).map(\.usage.share)
        return (shares.max() ?? 0) * 100
    }
}
