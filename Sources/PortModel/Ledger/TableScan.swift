/// One connection in the kernel's own table, as an audit reads it.
package struct TableEntry: Hashable, Sendable {
    /// The socket's cookie or, of a TIME_WAIT, that object's address; 0 if it never was watched.
    package var socket: UInt64
    /// The cookie that a TIME_WAIT has inherited.
    package var cookie: UInt64
    package var localPort: UInt16
    package var remotePort: UInt16
    package var state: Record.State
    /// The TCP state; nil if it holds no port.
    package var holding: HoldingState?
    package var origin: Origin

    package init(
        socket: UInt64, cookie: UInt64 = 0, localPort: UInt16,
        remotePort: UInt16 = 0, state: Record.State,
        holding: HoldingState? = nil, origin: Origin = .client
    ) {
        (self.socket, self.cookie, self.localPort) = (socket, cookie, localPort)
        (self.remotePort, self.state) = (remotePort, state)
        (self.holding, self.origin) = (holding, origin)
    }
}

/// Differences from the kernel's table that no connection under way explains, corrected by now.
package struct AuditResult: Sendable {
    /// Ledger minus kernel, in ports held, by the tuple's place; without those that agree.
    package var drift: [Int: Int] = [:]
    /// Connections in the kernel that the ledger lacks: only a repair can enter them.
    package var missing = 0
    /// Transitions that no record reported and that changed no count of held ports.
    package var unreported = 0
    /// Sockets that are not counted, as nothing tells who connected, by their namespace.
    package var uncertain: [UInt32: Int] = [:]
}

/// A comparison of the ledger with the kernel's table, while both change.
package struct TableScan: Sendable {
    package enum Purpose: Sendable {
        /// Fills the ledger at the start, when nothing is known yet.
        case seed
        /// Checks the ledger: the entries of the table are compared.
        case audit
        /// Makes the ledger exact again after a loss: as a seed, but each correction is a difference.
        case repair
    }

    let purpose: Purpose
    let since: UInt64
    /// Sockets that have ended since it began and may still turn up in it, and when.
    var ended: [UInt64: UInt64] = [:]
    /// Entries that a record still unread may explain.
    var unexplained: [TableEntry] = []
    /// Sockets that the ledger lacks and that do not tell who connected, by their namespace; those of a
    /// seed or repair also by their own identity, as these read the table twice.
    var doubtful: [UInt32: [TableEntry]] = [:]
    var doubtfulConnections: [UInt64: (Record.Connection, Record.State)] = [:]
    /// Calls that failed while the ledger was filled for the first time.
    var refusals: [Record.Refusal] = []
    /// How many of the sockets of the ledger are in which state, by the tuple's place.
    var holding: [Int: [HoldingState: Int]] = [:]
    var result = AuditResult()
}
