import PortModel

extension Snapshot: FieldList {
    static let blank = Snapshot(of: Ledger(), source: .kernel)

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field(
            "source", &source, .name(.kernel, .sockDiag),
            "Where it is from: the kernel's own tables, or sock_diag, which tells less.")
        v.derived(
            "worst_percent", (worst * 10).rounded(.down) / 10, .tenths(to: 100),
            "100 × (`usable` - `available`) ÷ `usable` of the fullest one, rounded down.")
        v.field("namespaces", &namespaces, .objects(), "Those that could be entered.")
        v.field("bind_pools", &bindPools, .objects(), "Pools of bind(), the fullest first.")
        v.field("tuples", &tuples, .objects(), "The tuples that hold a port, the fullest first.")
    }
}

extension Snapshot.PoolRow: FieldGroup {
    package static let blanks = [
        Snapshot.PoolRow(key: .blank, usage: PortUsage(usable: 0), processes: [])
    ]
    package var definition: String { "seen_pool" }
    package var what: String { "One local address that bind() chooses ports for." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        key.fields(&v)
        usage.poolFields(&v)
        v.field("processes", &processes, .objects(most: 3), Snapshot.Owner.text)
    }
}

extension Snapshot.TupleRow: FieldGroup {
    package static let blanks = [
        Snapshot.TupleRow(tuple: .blank, range: .blank, usage: PortUsage(usable: 0), processes: [])
    ]
    package var definition: String { "seen_tuple" }
    package var what: String { "One tuple, as it is." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        tuple.fields(&v)
        usage.fields(&v)
        v.field("range", &range, Ends(), PortRange.text)
        v.field("processes", &processes, .objects(most: 3), Snapshot.Owner.text)
    }
}

extension Snapshot.Owner: FieldGroup {
    package static let blanks = [Snapshot.Owner(process: .unknown, sockets: 0)]
    package var definition: String { "seen_process" }
    package var what: String { "A process and its sockets." }

    fileprivate static var text: String {
        "The processes that have most of its sockets open, at most three."
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        process.fields(&v, least: 1)
        v.field("sockets", &sockets, .count, "How many of them it has open.")
    }
}
