import Testing

@testable import PortModel

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1000 * millisecond

/// The room by itself: entries in, releases and reusable ports out.
@Suite struct TimeWaitsTests {
    enum Step: Sendable {
        /// The TIME_WAIT of a socket begins, at so many milliseconds.
        case begins(UInt64, at: UInt64)
        case stops(UInt64, at: UInt64)
        case rearms(UInt64, at: UInt64, reusable: Bool = true)
        /// Without any record; its memory may be another's by then.
        case ends(UInt64)
        case rules(UInt8, delay: UInt32 = 1000)
        case bound([UInt16])
        /// A connect() begins in the namespace.
        case connects(at: UInt64)
        case settles(at: UInt64)
        case closes
    }

    struct Course: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var steps: [Step]
        var held = 0
        var reusable = 0
        var released: [UInt16] = []
    }

    static let courses: [Course] = [
        Course(testDescription: "young", steps: [.begins(1, at: 0), .settles(at: 1000)], held: 1),
        Course(
            testDescription: "reusable after the delay",
            steps: [.begins(1, at: 0), .begins(2, at: 1), .settles(at: 1001)],
            held: 2, reusable: 1),
        Course(
            testDescription: "reusable as a connect() meets it",
            steps: [.begins(1, at: 0), .connects(at: 1001)], held: 1, reusable: 1),
        Course(
            testDescription: "not where reuse is off",
            steps: [.rules(0), .begins(1, at: 0), .settles(at: 90_000)], held: 1),
        Course(
            testDescription: "reuse is switched on, off and on",
            steps: [
                .rules(0), .begins(1, at: 0), .rules(1), .settles(at: 1), .rules(0),
                .settles(at: 2), .rules(1), .settles(at: 3),
            ], held: 1, reusable: 1),
        Course(
            testDescription: "not when a bind() takes the port, again when it has gone",
            steps: [
                .begins(1, at: 0), .begins(2, at: 0), .settles(at: 2000), .bound([40_001]),
                .settles(at: 2001), .bound([]), .settles(at: 2002),
            ], held: 2, reusable: 2),
        Course(
            testDescription: "taken by a bind() before it is reusable",
            steps: [.begins(1, at: 0), .bound([40_001]), .settles(at: 2000)], held: 1),
        Course(
            testDescription: "a stopped timer ends it after a millisecond",
            steps: [
                .begins(1, at: 0), .begins(2, at: 0), .stops(1, at: 10), .stops(2, at: 11),
                .settles(at: 11),
            ], held: 1, released: [40_001]),
        Course(
            testDescription: "what is over is neither held nor reusable",
            steps: [
                .begins(1, at: 0), .settles(at: 2000), .stops(1, at: 2000), .settles(at: 2001),
            ], released: [40_001]),
        Course(
            testDescription: "a timer that is set again ends nothing",
            steps: [
                .begins(1, at: 0), .stops(1, at: 10), .rearms(1, at: 10), .settles(at: 900),
            ], held: 1),
        Course(
            testDescription: "stopped, set again, and stopped again: the last time counts",
            steps: [
                .begins(1, at: 0), .stops(1, at: 10), .rearms(1, at: 10), .stops(1, at: 20),
                .settles(at: 20), .rearms(1, at: 20), .stops(1, at: 30), .settles(at: 31),
            ], released: [40_001]),
        Course(
            testDescription: "stopped twice, told once",
            steps: [
                .begins(1, at: 0), .stops(1, at: 10), .stops(1, at: 10), .settles(at: 11),
                .settles(at: 12),
            ], released: [40_001]),
        Course(
            testDescription: "a connect() waits 100 ms for a timer to be set again",
            steps: [
                .begins(1, at: 0), .begins(2, at: 0), .stops(1, at: 10), .stops(2, at: 11),
                .connects(at: 110),
            ], held: 1, released: [40_001]),
        Course(
            testDescription: "ended before it was reusable, and its memory another's",
            steps: [
                .begins(1, at: 0), .ends(1), .begins(1, at: 500), .settles(at: 1200),
            ], held: 1),
        Course(
            testDescription: "set again where it is reusable: still that",
            steps: [
                .begins(1, at: 0), .settles(at: 2000), .stops(1, at: 2001), .rearms(1, at: 2001),
                .settles(at: 5000),
            ], held: 1, reusable: 1),
        Course(
            testDescription: "the rules change while a timer is stopped",
            steps: [
                .begins(1, at: 0), .settles(at: 2000), .stops(1, at: 2001), .rules(0),
                .settles(at: 2002),
            ], released: [40_001]),
        Course(
            testDescription: "the rules change, and the timer is set again",
            steps: [
                .begins(1, at: 0), .stops(1, at: 2000), .rules(1, delay: 5), .rearms(1, at: 2000),
                .settles(at: 2001),
            ], held: 1, reusable: 1),
        Course(
            testDescription: "a namespace that is gone has none that become reusable",
            steps: [.begins(1, at: 0), .closes, .settles(at: 5000)], held: 1),
    ]

    /// A TIME_WAIT by its number, which is also its cookie; its port is 40,000 more.
    private struct Room {
        var connections = Connections()
        var timeWaits = TimeWaits()
        var released: [Change] = []
        var rules = TimeWaitRules(reuse: 1)

        mutating func describe() {
            let pool = PortPool(range: Script.range)
            let namespace = Namespace(inode: 1, pool: pool, timeWait: rules)
            connections.describe(1, namespace, &timeWaits)
        }

        mutating func take(_ step: Step) {
            switch step {
            case .begins(let number, let time):
                let connection = Script.connection(number, at: 0)
                let tuple = connections.tuple(of: connection, &timeWaits)
                let entry = Entry(
                    openedAt: 1, process: Script.process, tuple: tuple,
                    localPort: 40_000 + UInt16(number), phase: .timeWait, mark: false,
                    cookie: number + time)
                let place = connections.insert(entry, for: number)
                connections.tuples[tuple].hold(at: 0, isOther: false, timeWait: true)
                connections.assess(place)
                timeWaits.begin(number, at: place, since: time * millisecond, &connections)
            case .stops(let number, let time):
                guard let place = connections.find(number) else { return }
                timeWaits.stop(number, at: place, since: time * millisecond, &connections)
            case .rearms(let number, let time, let reusable):
                guard let place = connections.find(number) else { return }
                timeWaits.rearm(
                    number, at: place, reusable: reusable, time: time * millisecond, &connections)
            case .ends(let number):
                guard let place = connections.find(number) else { return }
                connections.remove(at: place)
            case .rules(let reuse, let delay):
                rules = TimeWaitRules(reuse: reuse, reuseDelay: delay)
                describe()
            case .bound(let ports):
                var bound = PortSet()
                for port in ports { bound.insert(port) }
                connections.setBound(bound, in: 1, &timeWaits)
            case .connects(let time):
                timeWaits.pass(to: time * millisecond, in: 1, &connections, into: &released)
            case .settles(let time):
                timeWaits.settle(now: time * millisecond, &connections, into: &released)
            case .closes: timeWaits.close(namespace: 1)
            }
        }
    }

    @Test(arguments: courses) func comesTo(_ course: Course) {
        var room = Room()
        room.describe()
        for step in course.steps { room.take(step) }
        let usage = room.connections.tuples[0].usage
        #expect(usage.held == course.held && usage.timeWait == course.held)
        #expect(usage.reusable == course.reusable)
        #expect(room.released.map(\.localPort) == course.released)
        #expect(room.released.allSatisfy { $0.kind == .released })
    }

    /// Sixty seconds, in every unit, by one constant.
    @Test func theLengthIsAMinute() {
        #expect(TimeWaitRules.length == 60 * second)
        #expect(TimeWaitRules.seconds == 60)
    }
}
