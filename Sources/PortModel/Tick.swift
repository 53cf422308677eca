/// What one tuple did since the tick before.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.accounts`.
    package let index: Int
    package let tuple: Tuple
    package let standing: Standing
    /// Connects and closes since the tick before.
    package let since: TupleAccount.Totals
    /// Nil while nothing threatens, or there is too little to tell by.
    package internal(set) var forecast: Forecast?

    init(_ account: TupleAccount, at index: Int, since before: TupleAccount.Totals) {
        self.index = index
        tuple = account.tuple
        standing = account.standing
        var since = account.totals
        since.subtract(before)
        self.since = since
    }
}
