/// One connection in the kernel's own table, as an audit reads it.
package struct TableEntry: Hashable, Sendable {
    /// The socket's cookie or, of a TIME_WAIT, that object's address; 0 if it never was watched.
    package var socket: UInt64
    /// The cookie that a TIME_WAIT has inherited.
    package var cookie: UInt64
    package var localPort: UInt16
    package var state: Record.State
    /// Whether this end connected, beyond doubt.
    package var isCertain: Bool

    package init(
        socket: UInt64, cookie: UInt64 = 0, localPort: UInt16, state: Record.State,
        isCertain: Bool = true
    ) {
        (self.socket, self.cookie, self.localPort) = (socket, cookie, localPort)
        (self.state, self.isCertain) = (state, isCertain)
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
    var result = AuditResult()
}
