import PortModel

extension Event {
    /// A namespace has its first connection, other settings than before, or is gone.
    package struct NamespaceNews: FieldList, Sendable {
        package enum Kind: String, Sendable { case found, changed, gone }

        package var kind: Kind
        package var settings: Summary.NamespaceRow
        package var netns: UInt32 { settings.netns }

        package init(kind: Kind, netns: UInt32, namespace: Namespace) {
            (self.kind, settings) = (kind, Summary.NamespaceRow(namespace, netns: netns))
        }

        static let blank = NamespaceNews(
            kind: .found, netns: 0, namespace: Namespace(inode: 0, pool: PortPool(range: .blank)))

        package mutating func fields(_ v: inout some FieldVisitor) {
            v.field("state", &kind, .name(.found, .changed, .gone), "What is new.")
            settings.fields(&v)
        }
    }
}

extension Summary.NamespaceRow: FieldGroup {
    package static let blanks = [
        Summary.NamespaceRow(Namespace(inode: 0, pool: PortPool(range: .blank)), netns: 0)
    ]
    package var definition: String { "settings" }
    package var what: String { "One network namespace that was there at the end." }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("netns", &netns, .namespace, "The namespace.")
        v.field("inode", &inode, .integer(1), "Its inode number, as `/proc/PID/ns/net` has it.")
        v.field("range", &range, Ends(), "`ip_local_port_range`: the lowest and the highest port.")
        v.field("reserved", &reserved, .count, "Ports of it that are reserved.")
        v.field("bound", &bound, .count, PortRange.boundText)
        v.derived("usable", usable, .count, "Ports of the range that connect() may choose from.")
        timeWait.fields(&v)
        v.field(
            "max_tw_buckets", &timeWait.limit, .integer(), "`tcp_max_tw_buckets`: most TIME_WAITs.")
    }
}

extension TimeWaitRules {
    /// All but the limit; `most`: the greatest `tcp_tw_reuse`.
    mutating func fields(_ v: inout some FieldVisitor, most: Int? = nil) {
        v.field("tw_reuse", &reuse, .integer(to: most), "`tcp_tw_reuse`: 0 no, 1 yes, 2 loopback.")
        v.field(
            "tw_reuse_delay_ms", &reuseDelay, .integer(),
            "Milliseconds before reuse: `tcp_tw_reuse_delay`, or 1000 where there is none.")
        v.field("timestamps", &timestamps, .flag, "`tcp_timestamps`, which any reuse needs.")
    }
}

extension PortRange {
    static let blank = PortRange(low: 0, high: 0)
    static var text: String { "The range in force: the lowest and the highest port." }

    static var boundText: String {
        "Unreserved ports of `range` that a bind() holds: closed to every connect()."
    }
}
