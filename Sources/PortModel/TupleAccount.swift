/// What is known of one tuple: the ports it holds now, and what it has come to since the start.
package struct TupleAccount: Sendable {
    package let tuple: Tuple
    /// The widest range that was in force for a socket of this tuple, as far as it still is.
    package internal(set) var range: PortRange
    /// It is not the namespace's, but narrower.
    var hasOwnRange = false
    /// Ports of `range` that are not reserved.
    package internal(set) var usable: Int

    /// Ports held now, TIME_WAIT included; a connect() still in search of one holds none.
    package internal(set) var held = 0
    /// Of these, the ones a timewait object holds.
    package internal(set) var timeWait = 0

    package internal(set) var totals = Totals()
    /// Connects that got a port but no connection, by errno.
    package internal(set) var errors: [UInt16: Int] = [:]

    package internal(set) var peak = Peak()
    package internal(set) var firstFailureAt: UInt64?
    package internal(set) var processes = TopProcesses()

    /// Sockets that are accounted here, those that hold nothing included.
    var entries = 0
    /// The totals when the last tick was taken; nil while nothing has changed since.
    var totalsAtLastTick: Totals?

    init(tuple: Tuple, range: PortRange, usable: Int) {
        self.tuple = tuple
        self.range = range
        self.usable = usable
    }

    package struct Totals: Hashable, Sendable {
        /// Connects that got a port, those refused afterwards included.
        package var opened = 0
        package var closed = 0
        /// Connects that got none.
        package var failed = 0

        package init() {}
    }

    package struct Peak: Hashable, Sendable {
        package var held = 0
        package var timeWait = 0
        /// Ports usable at that moment.
        package var usable = 0
        package var time: UInt64 = 0

        /// held ÷ usable; 0 while nothing was held, infinite if nothing was usable.
        package var share: Double { held == 0 ? 0 : Double(held) / Double(usable) }
    }

    mutating func hold(at time: UInt64, timeWait inTimeWait: Bool = false) {
        held += 1
        if inTimeWait { timeWait += 1 }
        if held > peak.held {
            peak = Peak(held: held, timeWait: timeWait, usable: usable, time: time)
        }
    }

    mutating func release(timeWait inTimeWait: Bool) {
        held -= 1
        if inTimeWait { timeWait -= 1 }
    }
}
