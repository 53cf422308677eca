extension Ledger {
    /// Ports of a tuple that one process holds, or left in TIME_WAIT.
    package struct Occupancy: Hashable, Sendable {
        package var held = 0
        package var timeWait = 0

        package init() {}
    }

    /// The places in `accounts` of the tuples there are, in no order.
    package var places: some Collection<Int> { accountOf.values }

    /// Who holds the ports of some tuples now. It looks at every entry: 2 ms for 300,000.
    ///
    /// - Parameter tuples: those that are not known are left out.
    package func occupants(of tuples: [Tuple]) -> [Tuple: [ProcessID: Occupancy]] {
        var occupants: [Int: [ProcessID: Occupancy]] = [:]
        for tuple in tuples {
            if let index = accountOf[tuple] { occupants[index] = [:] }
        }
        guard !occupants.isEmpty else { return [:] }
        entries.each { _, entry in
            guard entry.phase.holds, occupants[Int(entry.account)] != nil else { return }
            occupants[Int(entry.account)]?[entry.process, default: Occupancy()].held += 1
            if entry.phase.isTimeWait {
                occupants[Int(entry.account)]?[entry.process, default: Occupancy()].timeWait += 1
            }
        }
        return Dictionary(
            uniqueKeysWithValues: occupants.map { (accounts[$0.key].tuple, $0.value) })
    }
}
