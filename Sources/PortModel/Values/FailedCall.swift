/// A connect() or bind() that failed: of whom, from and to where, and why.
package struct FailedCall: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable { case connect, bind }

    /// connect(): the tuple. bind(): the pool of the address, as there is no peer yet.
    package var scope: PortScope
    /// The port that the program had bound or asked bind() for; 0 if the kernel was to choose.
    package var localPort: UInt16
    package var process: ProcessID
    /// The error that it returned; nil while that was not reported.
    package var errno: UInt16?
    /// The limit it ran into, or what else kept it from a port; nil while not known.
    package var cause: Cause?

    package init(
        scope: PortScope, localPort: UInt16 = 0, process: ProcessID, errno: UInt16? = nil,
        cause: Cause? = nil
    ) {
        (self.scope, self.localPort, self.process) = (scope, localPort, process)
        (self.errno, self.cause) = (errno, cause)
    }

    package var kind: Kind { scope.tuple == nil ? .bind : .connect }

    /// Calls of the processes of one name.
    package struct Count: Hashable, Sendable {
        /// Of several processes, the id is that of one of them, or 0.
        package var call: FailedCall
        package var count: Int
        /// Distinct ones; `DistinctPIDs.more` stands for more than a thousand.
        package var processes: Int

        package init(_ call: FailedCall, count: Int, processes: Int = 1) {
            (self.call, self.count, self.processes) = (call, count, processes)
        }
    }
}

/// Failed calls by their kind.
package struct Calls: Hashable, Sendable {
    package var connects: Int
    package var binds: Int

    package init(connects: Int = 0, binds: Int = 0) {
        (self.connects, self.binds) = (connects, binds)
    }

    mutating func add(_ count: Int, _ kind: FailedCall.Kind) {
        switch kind {
        case .connect: connects += count
        case .bind: binds += count
        }
    }

    mutating func add(_ other: Calls) {
        connects += other.connects
        binds += other.binds
    }

    package var total: Int { connects + binds }
}
