import Events
import PortModel

/// Something that is worth a mark in a picture.
package struct Moment: Hashable, Sendable {
    /// Nanoseconds since 1970 in UTC.
    package var time: UInt64
    package var kind: Kind

    package enum Kind: Hashable, Sendable {
        /// A threshold was crossed; `level` 0: recovered. `exhaustedIn`: seconds, if foreseen.
        case alert(PortScope, level: Int, usage: PortUsage, exhaustedIn: Double?)
        /// The first one of a process of that name for that cause, from and to there.
        case firstFailure(FailedCall)
        /// So many records were lost since the last time it was said.
        case lost(Int)
        /// An audit found so many ports to be wrong.
        case drift(netns: UInt32, ports: Int)
        case namespace(netns: UInt32, Event.NamespaceNews.Kind)
    }

    package init(time: UInt64, kind: Kind) { (self.time, self.kind) = (time, kind) }
}

extension Moment: FieldGroup {
    package static let blanks = Kind.blanks.map { Moment(time: 0, kind: $0) }
    package var definition: String { "moment" }

    package var what: String {
        switch kind {
        case .alert(let scope, _, _, _): "An alert, of \(Self.subject(scope))."
        case .firstFailure(let call):
            "The first failure of a process for that cause, of \(Self.subject(call.scope))."
        case .lost: "Records were lost."
        case .drift: "An audit found a difference."
        case .namespace: "News of a namespace."
        }
    }

    private static func subject(_ scope: PortScope) -> String {
        scope.tuple == nil ? "a pool that bind() chooses from" : "a tuple"
    }

    package mutating func fields(_ v: inout some FieldVisitor) {
        v.field("kind", &kind, .tag(), "The kind of this object.")
        v.field("time", &time, .time, "When it happened: \(Time.look)")
        kind.fields(&v)
    }
}

extension Moment.Kind: Kind {
    package static let blanks =
        PortScope.blanks.map {
            Moment.Kind.alert($0, level: 0, usage: PortUsage(usable: 0), exhaustedIn: nil)
        }
        + PortScope.blanks.map {
            .firstFailure(FailedCall(scope: $0, process: .unknown, cause: .exhausted))
        } + [.lost(0), .drift(netns: 0, ports: 0), .namespace(netns: 0, .found)]

    package var name: StaticString {
        switch self {
        case .alert: "alert"
        case .firstFailure: "first_failure"
        case .lost: "lost"
        case .drift: "drift"
        case .namespace: "namespace"
        }
    }

    /// They are only written.
    fileprivate func fields(_ v: inout some FieldVisitor) {
        switch self {
        case .alert(var scope, let level, let usage, let exhaustedIn):
            scope.fields(&v)
            v.derived("level", level, .count, "The threshold crossed, in percent; 0: recovered.")
            v.derived("held", usage.held, .count, PortUsage.heldText)
            v.derived("usable", usage.usable, .count, PortUsage.usableText)
            v.derived("available", usage.available, .count, "Ports that a connect() would find.")
            var seconds = exhaustedIn
            v.optional(
                "exhausted_in_s", &seconds, .tenths(), "Seconds to exhaustion, where foreseen.")
        case .firstFailure(var call):
            v.derived("call", call.kind, .name(.connect, .bind), "Which call failed.")
            v.derived("cause", call.cause, .cause, "What it failed for.")
            call.scope.fields(&v)
            call.process.fieldsIfKnown(&v)
        case .lost(let count):
            v.derived("count", count, .integer(1), "How many, since the last time it was said.")
        case .drift(var netns, let ports):
            v.field("netns", &netns, .namespace, "The namespace.")
            v.derived("ports", ports, .integer(1), "By how many ports.")
        case .namespace(var netns, let kind):
            v.field("netns", &netns, .namespace, "The namespace.")
            v.derived("state", kind, .name(.found, .changed, .gone), "What has become of it.")
        }
    }
}
