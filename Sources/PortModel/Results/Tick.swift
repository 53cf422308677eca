/// What one tuple did since the tick before.
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
    /// Nil while nothing threatens, or there is too little to tell by.
    package internal(set) var forecast: Forecast?
}
