import PortModel

/// Which events are told.
package struct EventChoice: Sendable {
    package enum Level: String, Sendable, CaseIterable {
        /// Every record.
        case all
        /// Each connection, or if too many a line a tuple and second; failures and alerts.
        case notable
        /// Failures and alerts only.
        case failures
    }

    package let level: Level
    /// Lines about connections that came up in this second, written or not; no more than it takes to
    /// know that they are too many.
    private var seen = 0
    private var seenLastSecond = 0

    /// Lines that a person can read in a second.
    static let readable = 20

    package init(_ level: Level) { self.level = level }

    /// Too much is going on for a line for each connection.
    package var isRolledUp: Bool { level == .notable && max(seen, seenLastSecond) > Self.readable }

    /// Whether it has to be asked about single connections in this second.
    package var takesConnections: Bool {
        level == .all || level == .notable && seen <= Self.readable
    }

    /// Whether a line for such a change is wanted; counts it in.
    package mutating func wants(_ kind: Change.Kind) -> Bool {
        switch (level, kind) {
        case (_, .failed), (_, .connecting): return false
        case (.all, _): return true
        case (.notable, .established), (.notable, .closed):
            seen += 1
            return !isRolledUp
        default: return false
        }
    }

    /// Whether news of a namespace are wanted: `changed` if other than its first connection;
    /// `always` unless only failures were asked for.
    package func wantsNamespaces(changed: Bool, always: Bool) -> Bool {
        level == .all || level == .notable && (changed || always)
    }

    /// Whether ticks are wanted now; `always`: also while there is a line for each connection.
    package func wantsTicks(always: Bool) -> Bool { level != .failures && (always || isRolledUp) }

    /// A second has passed.
    package mutating func tick() {
        seenLastSecond = seen
        seen = 0
    }
}
