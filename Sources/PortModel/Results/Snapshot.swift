/// One look at what is held and what is left.
package struct Snapshot: Sendable {
    package enum Source: String, Sendable {
        /// The kernel's own tables: all that it says is exact.
        case kernel = "bpf"
        /// What sock_diag tells: not which ports a bind() holds of connected sockets, nor which
        /// TIME_WAITs had timestamps.
        case sockDiag = "sock_diag"
    }

    package var source: Source
    /// By their identity.
    package var namespaces: [UInt32: Namespace]
    /// The fullest first.
    package var tuples: [TupleState]
    package var bindPools: [BindPool]

    package init(of ledger: Ledger, source: Source) {
        self.source = source
        namespaces = ledger.namespaces
        tuples = ledger.tuples.sorted {
            ($0.usage.share, $0.held) > ($1.usage.share, $1.held)
        }
        bindPools = ledger.bindPools.values.sorted { $0.usage.share > $1.usage.share }
    }

    /// Percent of the usable ports that are used, of the fullest tuple or pool; 0 without any.
    package var worst: Double {
        let shares =
            tuples.prefix(1).map(\.usage.share) + bindPools.prefix(1).map(\.usage.share)
        return (shares.max() ?? 0) * 100
    }
}
