/// A connect() or a bind() that failed: one, or several of the same name of a process, scope and errno.
package struct Failure: Sendable {
    /// The last of them.
    package var call: FailedCall
    /// When the last of them failed; all that follows is as it was then.
    package var time: UInt64
    /// Ports of the tuple or, of bind(), of the pool of the local address.
    package var usage: PortUsage
    /// The states of the sockets that held its ports just afterwards; empty where nobody has looked.
    package var heldBy: [HoldingState: Int] = [:]
    /// The range in force, and what takes ports of it.
    package var limit: Limit?
    /// Nanoseconds the kernel searched; nil if that was not seen.
    package var search: UInt64?
    /// The socket's own range, if it had one.
    package var ownRange: PortRange?
    package var count = 1
    /// Distinct processes; `DistinctPIDs.more` stands for more than a thousand.
    package var processes = 1
    /// Nothing saw the call return: it came back without a port.
    package var isInferred = false

    package init(_ call: FailedCall, time: UInt64, usage: PortUsage) {
        (self.call, self.time, self.usage) = (call, time, usage)
    }

    /// The ports of a range that no connect() can take.
    package struct Limit: Hashable, Sendable {
        package var range: PortRange
        package var reserved: Int
        /// Held by a bind(), and not reserved.
        package var bound: Int
        /// The processes that hold most of the latter, as far as known.
        package var holders: [Holder]

        package init(range: PortRange, reserved: Int, bound: Int, holders: [Holder] = []) {
            (self.range, self.reserved) = (range, reserved)
            (self.bound, self.holders) = (bound, holders)
        }
    }

    package struct Holder: Hashable, Sendable {
        package var process: ProcessID
        package var ports: Int

        package init(process: ProcessID, ports: Int) {
            (self.process, self.ports) = (process, ports)
        }
    }
}
