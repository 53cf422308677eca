/// What one tuple did since the tick before.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.accounts`.
    package let index: Int
    package let tuple: Tuple
    package let standing: Standing
    /// Connects and closes since the tick before.
    package let since: TupleAccount.Totals
    /// Nanoseconds that connect() searched for a port, on average of the searches that took long since
    /// the tick before; nil if none did.
    package let search: UInt64?
    /// Nil while nothing threatens, or there is too little to tell by.
    package internal(set) var forecast: Forecast?

    init(_ account: TupleAccount, at index: Int, since before: TupleAccount.Totals) {
        self.index = index
        tuple = account.tuple
        standing = account.standing
        var since = account.totals
        since.subtract(before)
        self.since = since
        search = account.searches.mean(since: account.searchesAtLastTick)
    }
}
