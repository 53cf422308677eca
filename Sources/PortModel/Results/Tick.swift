/// A tuple in which something has changed since the tick before, and by how much.
package struct Tick: Sendable {
    /// The tuple's place in `Ledger.tuples`.
    package var place = 0
    package var tuple: Tuple
    package var usage: PortUsage
    /// Connects and closes since the tick before.
    package var since = TupleState.Totals()
    /// Mean nanoseconds of the long searches for a port since the tick before; nil without any.
    package var search: UInt64?
    /// Nil while nothing threatens, or there is too little to tell by.
    package var forecast: Forecast?
}

extension Tick {
    package init(_ tuple: Tuple, _ usage: PortUsage) { self.init(tuple: tuple, usage: usage) }
}
