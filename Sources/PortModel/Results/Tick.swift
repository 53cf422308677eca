/// A tuple in which something has changed since the tick before, and by how much.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.tuples`.
    package let place: Int
    package let tuple: Tuple
    package let usage: PortUsage
    /// Connects and closes since the tick before.
    package let since: TupleState.Totals
    /// Nanoseconds that connect() searched for a port, on average of the searches that took long since
    /// the tick before; nil if none did.
    package let search: UInt64?
    /// Nil for a tuple that is far from any trouble, and while there is too little to tell by.
    package internal(set) var forecast: Forecast?
}
