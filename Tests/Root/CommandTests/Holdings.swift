import Testing

/// Who holds what in one namespace, as the kernel or as the tracer has it.
struct Holdings: Equatable {
    /// The ports that connections hold, in order. One still under way has none told.
    var ports: [TupleName: [Int]]
    /// The TIME_WAITs among them.
    var timeWaits: [TupleName: [Int]]
    /// How many ports each tuple holds in all.
    var counts: [TupleName: Int]

    /// The client's side of connections to these ports, which is not bound to those that
    /// somebody listens on.
    init(_ table: KernelTable, to serverPorts: Set<Int>, listening: Set<Int>) {
        let rows = table.rows.filter {
            serverPorts.contains($0.remotePort) && !listening.contains($0.localPort)
        }
        let tuples = Dictionary(grouping: rows) {
            TupleName(local: $0.local, remote: $0.remote, remotePort: $0.remotePort)
        }
        func list(where chosen: (KernelTable.Row) -> Bool) -> [TupleName: [Int]] {
            tuples.mapValues { $0.filter(chosen).map(\.localPort).sorted() }
                .filter { !$0.value.isEmpty }
        }
        ports = list { $0.state != "SYN-SENT" }
        timeWaits = list { $0.isTimeWait }
        counts = tuples.mapValues(\.count)
    }

    init(_ view: TracerView) {
        ports = view.held
        timeWaits = view.timeWaits
        counts = view.counts
    }

    /// Connects that have a port, but no answer.
    var underWay: Int {
        counts.values.reduce(0, +) - ports.values.reduce(0) { $0 + $1.count }
    }

    /// A line for each tuple in which the tracer differs from the kernel, with the ports.
    static func difference(kernel: Holdings, tracer: Holdings) -> [String] {
        let tuples = Set(kernel.counts.keys).union(tracer.counts.keys).union(tracer.ports.keys)
        return tuples.compactMap { tuple in
            let parts = [
                difference("held", kernel.ports[tuple], tracer.ports[tuple]),
                difference("TIME_WAIT", kernel.timeWaits[tuple], tracer.timeWaits[tuple]),
                kernel.counts[tuple] == tracer.counts[tuple]
                    ? nil
                    : "kernel counts \(kernel.counts[tuple] ?? 0), "
                        + "tracer \(tracer.counts[tuple] ?? 0)",
            ].compactMap { $0 }
            guard !parts.isEmpty else { return nil }
            return "\(tuple.local) → \(tuple.remote):\(tuple.remotePort): "
                + parts.joined(separator: "; ")
        }.sorted()
    }

    private static func difference(_ what: String, _ kernel: [Int]?, _ tracer: [Int]?) -> String? {
        let change = (tracer ?? []).difference(from: kernel ?? [])
        guard !change.isEmpty else { return nil }
        let missing = change.removals.map {
            if case .remove(_, let port, _) = $0 { port } else { 0 }
        }
        let extra = change.insertions.map {
            if case .insert(_, let port, _) = $0 { port } else { 0 }
        }
        return "\(what) only in the kernel \(missing), only in the tracer \(extra)"
    }
}
