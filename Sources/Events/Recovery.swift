import PortModel

extension Event {
    /// The end of an exhaustion: calls of a scope found no port for a while, and would find one again.
    package struct Recovery: FieldList, Sendable {
        package var scope: PortScope
        package var usage = PortUsage(usable: 0)
        /// Calls that found no port.
        package var failed = 0
        /// CLOCK_MONOTONIC nanoseconds of the first and the last of them.
        package var began: UInt64
        package var ended: UInt64

        package init(of scope: PortScope, since began: UInt64) {
            self.scope = scope
            self.began = began
            ended = began
        }

        /// Nanoseconds from the first call that found no port to the last.
        package var duration: UInt64 { ended - min(ended, began) }

        static let blanks = PortScope.blanks.map { Recovery(of: $0, since: 0) }

        var what: String {
            let subject = scope.tuple == nil ? "bind() of this address" : "connect() of this tuple"
            return subject + " found no port for a while, has not failed for a second, and would "
                + "find one now."
        }

        package mutating func fields(_ v: inout some FieldVisitor) {
            scope.fields(&v)
            if scope.tuple == nil { usage.poolFields(&v) } else { usage.fields(&v) }
            v.field("failed", &failed, .integer(1), "Calls that found no port meanwhile.")
            v.field("began", &began, .time, "When the first of them failed: \(Time.look)")
            v.field("ended", &ended, .time, "When the last of them failed: \(Time.look)")
        }
    }
}
