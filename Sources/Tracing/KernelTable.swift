import LinuxSystem
import PortModel
import Probe

/// The kernel's own table of sockets and ports, and the ring beside it, as the policy of seed, audit
/// and repair sees them: `Probe` when tracing, a table of its own in a test.
package protocol KernelTable: ~Copyable {
    /// CLOCK_MONOTONIC, in nanoseconds.
    var now: UInt64 { get }
    /// CPU nanoseconds that this process has taken.
    var processorTime: UInt64 { get }
    /// Records that the ring had no room for, since the start.
    var lost: UInt64 { get }
    /// Totals that the kernel's side counts by itself.
    var counters: Probe.Counters { get }
    /// Whether single connections can be compared.
    var canAudit: Bool { get }

    /// Finds the network namespaces that can be entered.
    func namespaces() -> [NetworkNamespaces.Found]

    /// Hands over the connections that exist in some namespaces, as `Probe.snapshot` does.
    mutating func snapshot(
        of namespaces: [NetworkNamespaces.Found], rounds: Int, _ body: (Record) -> Void
    ) throws(SystemError) -> [UInt32: UInt32]

    /// Hands over who has which socket open.
    mutating func owners(_ body: (Record) -> Void) throws(SystemError)

    /// Hands over the entries of one namespace, as `Probe.audit` does.
    mutating func audit(
        _ found: NetworkNamespaces.Found, _ see: (TableEntry, UInt32) -> Void,
        _ body: (Record) -> Void
    ) throws(SystemError) -> UInt32?

    /// Hands over at least all that was in the ring when this was called.
    mutating func drainAll(_ body: (Record) -> Void)

    /// Reads which ports of its range a bind() holds in one namespace; nil when it cannot be entered.
    func boundPorts(in found: NetworkNamespaces.Found) -> (netns: UInt32, ports: PortSet)?

    /// Tells whether bind() would take an address in one namespace; nil when it cannot be entered.
    func hasAddress(
        _ address: IPAddress, in found: NetworkNamespaces.Found
    ) -> (netns: UInt32, isThere: Bool)?
}

extension Probe: KernelTable {
    package var now: UInt64 { Clock.monotonic }
    package var processorTime: UInt64 { Clock.processorTime }
    package func namespaces() -> [NetworkNamespaces.Found] { NetworkNamespaces.all() }
}
