/// The limit that a connect() or bind() ran into, or what else kept it from a port.
package enum Cause: String, Hashable, Sendable, CaseIterable {
    /// The tuple holds all ports that connect() may take, or bind() has used up its address's pool.
    case exhausted
    /// Most of the range is taken by ports that are reserved, or that a bind() holds.
    case blocked
    /// The socket's own range (IP_LOCAL_PORT_RANGE) has none left, the namespace's has.
    case range
    /// The program named its port, and that is in use: no matter of how many are left.
    case collision
    /// There is no usable local address: nothing to do with ports.
    case noAddress = "no_address"
    /// The kernel had no memory for it.
    case noMemory = "no_memory"
    /// It began before the hooks were in force, and nothing that is known by now says why it failed.
    case beganBefore = "began_before"

    package var isPortExhaustion: Bool {
        switch self {
        case .exhausted, .blocked, .range: true
        case .collision, .noAddress, .noMemory, .beganBefore: false
        }
    }
}
