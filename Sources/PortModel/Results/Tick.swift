/// A tuple in which something has changed since the tick before, and by how much.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.tuples`.
    package var place: Int
    package var tuple: Tuple
    package var usage: PortUsage
    /// Connects and closes since the tick before.
    package var since: TupleState.Totals
    /// Nanoseconds that connect() searched for a port, on average of the searches that took long since
    /// the tick before; nil if none did.
    package var search: UInt64?
    /// Nil while nothing threatens, or there is too little to tell by.
    package var forecast: Forecast?

    package init(place: Int, tuple: Tuple, usage: PortUsage, since: TupleState.Totals) {
        self.place = place
        self.tuple = tuple
        self.usage = usage
        self.since = since
    }
}
