import TestSupport
import Testing

@testable import PortModel

/// Calls by process and by name: exact, or not there.
@Suite struct CallersTests {
    private static func process(_ name: Int, _ pid: Int = 1) -> ProcessID {
        ProcessID(pid: UInt32(name * 100_000 + pid), name: ProcessID.Name("name \(name)"))
    }

    /// The same without bounds.
    private struct Twin {
        var shares: [ProcessID: Callers.Share] = [:]
        var names: [ProcessID.Name] = []

        mutating func add(_ process: ProcessID, opened: Int, failed: Int) {
            if !names.contains(process.name) { names.append(process.name) }
            let none = Callers.Share(process: process, opened: 0, failed: 0)
            shares[process, default: none].opened += opened
            shares[process, default: none].failed += failed
        }

        func sum(_ isOfIt: (ProcessID.Name) -> Bool, as name: ProcessID.Name?) -> Callers.NameShare?
        {
            let all = shares.values.filter { isOfIt($0.process.name) }
            guard !all.isEmpty else { return nil }
            var sum = Callers.NameShare(name: name, processes: min(all.count, 1001))
            for share in all { sum.add(share) }
            return sum
        }

        /// What `Callers.names` has to be, in any order.
        var expected: Set<Callers.NameShare> {
            let own = names.prefix(64).map { name in sum({ $0 == name }, as: name) }
            let further = Set(names.dropFirst(64))
            return Set((own + [sum(further.contains, as: nil)]).compactMap { $0 })
        }
    }

    private func compare(_ callers: Callers, _ twin: Twin) {
        let leading = callers.leading
        #expect(leading.count <= 16 && Set(leading.map(\.process)).count == leading.count)
        for share in leading { #expect(share == twin.shares[share.process]) }
        let names = callers.names
        #expect(names.count <= 65 && Set(names) == twin.expected)
        #expect(names.dropLast().allSatisfy { $0.name != nil })
        if twin.shares.count <= 16 { #expect(leading.count == twin.shares.count) }
    }

    struct Walk: CustomTestStringConvertible, Sendable {
        var names: Int
        /// Of each name.
        var processes: Int
        var steps = 3000

        var testDescription: String { "\(names) names, each of \(processes) processes" }
    }

    static let walks = [
        Walk(names: 1, processes: 1), Walk(names: 1, processes: 40), Walk(names: 16, processes: 1),
        Walk(names: 17, processes: 1), Walk(names: 3, processes: 12),
        Walk(names: 64, processes: 2), Walk(names: 65, processes: 1),
        Walk(names: 200, processes: 5), Walk(names: 2, processes: 3000, steps: 20_000),
    ]

    /// Calls, failures and their causes in any order, held against a twin without bounds.
    @Test(arguments: walks, SeededGenerator.seeds(3))
    func isExactOrAbsent(_ walk: Walk, seed: UInt64) {
        var random = SeededGenerator(state: seed)
        var (callers, twin) = (Callers(), Twin())
        for step in 1...walk.steps {
            // Some call more than others.
            let most = random.chance(2) ? max(1, walk.processes / 10) : walk.processes
            let process = Self.process(
                Int.random(in: 0..<walk.names, using: &random),
                Int.random(in: 0..<most, using: &random))
            let known = twin.shares[process]
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where known?.opened ?? 0 > 0:
                callers.add(process, opened: -1)
                twin.add(process, opened: -1, failed: 0)
            case 1:
                callers.add(process, failed: 1)
                twin.add(process, opened: 0, failed: 1)
                callers.recount(process, from: nil, to: .exhausted, 1)
                twin.shares[process]?.causes[.exhausted, default: 0] += 1
            case 2:
                guard let count = known?.causes[.exhausted] else { break }
                callers.recount(process, from: .exhausted, to: .blocked, count)
                twin.shares[process]?.causes[.exhausted] = nil
                twin.shares[process]?.causes[.blocked, default: 0] += count
            default:
                callers.add(process, opened: 1)
                twin.add(process, opened: 1, failed: 0)
            }
            if step % 500 == 0 { compare(callers, twin) }
        }
    }

    /// Forty workers that take turns: those that have a place keep it.
    @Test func workersThatAreAlikeAreListedAllTheSame() {
        var callers = Callers()
        for _ in 0..<50 { for pid in 1...40 { callers.add(Self.process(0, pid), failed: 1) } }
        #expect(callers.leading.count == 16)
        #expect(callers.leading.allSatisfy { $0.failed == 50 })
        #expect(callers.names.map(\.failed) == [2000] && callers.names[0].processes == 40)
        #expect(callers.top == ProcessID(pid: 0, name: Self.process(0).name))
    }

    /// Nor are those lost that come in the midst of short-lived ones.
    @Test func aBurstLeavesThoseWithMostCalls() {
        var callers = Callers()
        for pid in 1...5000 {
            callers.add(Self.process(1, pid), opened: 1)
            for heavy in 1...8 { callers.add(Self.process(0, heavy), opened: 1) }
            if pid > 900 { callers.add(Self.process(0, 9), opened: 1) }
            if pid > 900 { callers.add(Self.process(2), opened: 1) }
        }
        let leading = callers.leading
        #expect(
            leading.prefix(8).allSatisfy {
                $0.opened == 5000 && $0.process.name == Self.process(0).name
            })
        #expect(leading[8...9].map(\.opened) == [4100, 4100])
        #expect(callers.names.map(\.opened) == [44_100, 5000, 4100])
        #expect(callers.names.map(\.processes) == [9, DistinctPIDs.more, 1])
    }

    /// One who is the only of its name is known, though it has no place.
    @Test func theOnlyProcessOfANameIsKnown() {
        var callers = Callers()
        let alone = Self.process(0)
        callers.add(alone, opened: 1)
        for pid in 1...30 { callers.add(Self.process(1, pid), opened: 2) }
        for _ in 0..<100 { callers.add(alone, opened: 1) }
        #expect(callers.leading.first == Callers.Share(process: alone, opened: 101, failed: 0))
        #expect(callers.top == alone)
    }

    @Test(arguments: [(1, 1), (999, 999), (1000, 1000), (1001, 1001), (5000, 1001)])
    func processesOfANameAreCountedUpToAThousand(processes: Int, count: Int) {
        var callers = Callers()
        for _ in 0..<2 { for pid in 1...processes { callers.add(Self.process(0, pid), opened: 1) } }
        #expect(callers.names.map(\.processes) == [count])
        #expect(callers.names.map(\.opened) == [2 * processes])
        #expect(callers.leading.allSatisfy { $0.opened == 2 })
    }

    /// Copies of a ledger do not count for each other.
    @Test func aCopyIsACopy() {
        var callers = Callers()
        for pid in 1...100 { callers.add(Self.process(0, pid), opened: 1) }
        let before = callers
        callers.add(Self.process(0, 1), opened: 1)
        #expect(before.names.map(\.opened) == [100] && callers.names.map(\.opened) == [101])
    }
}
