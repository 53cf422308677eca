/// What one tuple did since the tick before.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.accounts`.
    package var index: Int
    package var tuple: Tuple
    package var usage: PortUsage
    /// Connects and closes since the tick before.
    package var since: TupleState.Totals
    /// Nanoseconds that connect() searched for a port, on average of the searches that took long since
    /// the tick before; nil if none did.
    package var search: UInt64?
    /// Nil while nothing threatens, or there is too little to tell by.
    package var forecast: Forecast?

    package init(index: Int, tuple: Tuple, usage: PortUsage, since: TupleState.Totals) {
        self.index = index
        self.tuple = tuple
        self.usage = usage
        self.since = since
    }

    init(_ account: TupleState, at index: Int, since before: TupleState.Totals) {
        var since = account.totals
        since.subtract(before)
        self.init(index: index, tuple: account.tuple, usage: account.usage, since: since)
        search = account.searches.mean(since: account.searchesAtLastTick)
    }
}
