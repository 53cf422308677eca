/// The settings of a network namespace that decide over ephemeral ports.
package struct NetworkSettings: Hashable, Sendable {
    /// The ports to choose from, and the rules for TIME_WAITs.
    package var namespace: Namespace
    /// `tcp_fin_timeout`, in seconds: how long an orphaned FIN_WAIT2 is kept. No TIME_WAIT is meant.
    package var finTimeout: UInt32
    /// `tcp_tw_recycle`; nil where the kernel no longer has it, since Linux 4.12.
    package var recycles: Bool?
    /// There is a `tcp_tw_reuse_delay`, since Linux 6.14.
    package var hasReuseDelay: Bool

    package init(
        namespace: Namespace, finTimeout: UInt32 = 60, recycles: Bool? = nil,
        hasReuseDelay: Bool = true
    ) {
        (self.namespace, self.finTimeout) = (namespace, finTimeout)
        (self.recycles, self.hasReuseDelay) = (recycles, hasReuseDelay)
    }
}
