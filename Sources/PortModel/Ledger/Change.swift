/// A change of the ledger by a record, with the tuple's ports just after it.
package struct Change: Hashable, Sendable {
    package enum Kind: Sendable, Hashable {
        /// connect() has begun.
        case opened
        /// A connection attempt has been under way long enough to be sure that it has its port.
        case connecting
        case established
        /// `error` when it never was established: the errno, or ECANCELED if the program gave up.
        case closed(timeWait: Bool, lived: UInt64?, error: UInt16?)
        /// The port is free again after its TIME_WAIT, or after the bind that kept it.
        case released
        /// connect() got no port after a `search` in nanoseconds; `range`: the socket's own, if any.
        case failed(search: UInt64, range: PortRange?)
    }

    package var kind: Kind
    package var time: UInt64 = 0
    /// The tuple's place in `Ledger.tuples`.
    package var place = 0
    package var tuple: Tuple
    /// 0 while not known; of one that failed: what the program had bound, or 0.
    package var localPort: UInt16 = 0
    /// Of a process that the filter does not choose: it is counted, but not shown.
    package var isOther = false
    package var process = ProcessID.unknown
    package var held = 0
    package var usable = 0
}

extension Change {
    /// A change to be filled in.
    package init(_ kind: Kind, of tuple: Tuple) { self.init(kind: kind, tuple: tuple) }
}
