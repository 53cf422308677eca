/// The ports that a tuple holds, and those that are left to it.
package struct PortUsage: Hashable, Sendable {
    /// Ports held, TIME_WAIT included.
    package var held = 0
    package var timeWait = 0
    /// TIME_WAITs whose port a connect() would take now.
    package var reusable = 0
    /// The part of `held` that is none of the usable ports, as a bind() holds them.
    package var outsidePool = 0
    /// The part of `held` by processes that the filter does not choose, or that are not known.
    package var others = 0
    /// Ports that connect() may choose from: the range less what is reserved or bind-held.
    package var usable: Int

    package init(
        held: Int = 0, timeWait: Int = 0, reusable: Int = 0, outsidePool: Int = 0,
        others: Int = 0, usable: Int
    ) {
        (self.held, self.timeWait, self.reusable) = (held, timeWait, reusable)
        (self.outsidePool, self.others, self.usable) = (outsidePool, others, usable)
    }

    /// Connects that will find a port now; in an odd-sized range one less, as the search skips a port.
    package var available: Int { max(0, usable - (held - outsidePool) + reusable) }

    /// TIME_WAITs that may not be used again now.
    var waiting: Int { max(0, timeWait - reusable) }

    /// If a connect() finds no port all the same, connections that are not counted hold the rest: of an
    /// odd-sized range a search passes over no more than one.
    package var leavesSomeToOthers: Bool { available > 1 }

    /// Usable ports that are not available.
    package var used: Int { max(0, usable - available) }

    /// used ÷ usable in tenths of a percent, rounded down: 1000 says that nothing is left.
    package var permille: Int { used * 1000 / max(1, usable) }

    /// used ÷ usable; infinite if nothing is usable.
    package var share: Double { usable == 0 ? .infinity : Double(used) / Double(usable) }
}
