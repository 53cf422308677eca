/// What one tuple did since the tick before.
package struct Tick: Sendable {
    package let tuple: Tuple
    /// Ports held now, and how many of them are in TIME_WAIT.
    package let held: Int
    package let timeWait: Int
    package let usable: Int
    /// Connects and closes since the tick before.
    package let since: TupleAccount.Totals

    init(_ account: TupleAccount, since before: TupleAccount.Totals) {
        tuple = account.tuple
        held = account.held
        timeWait = account.timeWait
        usable = account.usable
        var since = account.totals
        // A connect() that was taken to have its port and then failed is counted back.
        since.opened = max(0, since.opened - before.opened)
        since.closed -= before.closed
        since.failed -= before.failed
        self.since = since
    }
}
