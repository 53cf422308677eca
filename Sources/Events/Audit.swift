import PortModel

extension Audit: FieldList {
    static let blank = Audit(netns: 0, sockets: 0, duration: 0)

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("netns", &netns, .namespace, "The network namespace that was looked at.")
        v.field("sockets", &sockets, .count, "Connections compared; 0: counts refilled after loss.")
        v.field(
            "uncertain", &uncertain, .count, unless: 0,
            "Sockets not compared: a server that is gone may have left them. Absent if none.")
        v.derived("drift", totalDrift, .count, "Ports by which the counts of all tuples differed.")
        v.field("took_ms", &duration, .milliseconds, "Milliseconds, with three decimals.")
        var tuples = drift.map { Difference(tuple: $0.tuple, ports: $0.ports) }
        v.field("tuples", &tuples, .objects(), "The tuples that differed.")
        guard v.reads else { return }
        for place in tuples.indices { tuples[place].tuple.netns = netns }
        drift = tuples.map { (tuple: $0.tuple, ports: $0.ports) }
    }

    /// One tuple's, of the audit's namespace.
    private struct Difference: FieldGroup {
        var tuple: Tuple
        var ports: Int

        static let blanks = [Difference(tuple: .blank, ports: 0)]
        var definition: String { "difference" }
        var what: String { "One tuple." }

        mutating func fields(_ v: inout some FieldVisitor) {
            tuple.addresses(&v)
            v.field("drift", &ports, .integer(nil), "Ports counted, less those the kernel holds.")
        }
    }
}
