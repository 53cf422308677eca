import Foundation
import TestSupport
import Testing

@testable import PortModel

/// Records of a few sockets in any order: twice, too late, without their beginning, contradictory.
private struct Chaos {
    var random: SeededGenerator
    var now: UInt64 = 1_000_000_000

    /// Every socket there may be: cookies, and timewait objects.
    static let sockets: [UInt64] = Array(1...12) + (1...8).map { 0xffff_8880_0000_0000 + $0 << 8 }

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    mutating func record() -> Record {
        now += UInt64.random(in: 0...50_000_000, using: &random)
        let socket = one(of: Self.sockets)
        let time = one(of: [now, now, now, now - 1000, 0, UInt64(Int64.max)])
        let port = one(of: [0, 40_000, 40_001] as [UInt16])
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<7: return .opened(connection(socket, port, at: time))
        case 7..<10: return .established(socket: socket, localPort: port, time: time)
        case 10..<13:
            return .closed(
                Record.Closing(
                    time: time, socket: socket, localPort: port, error: one(of: [0, 111]),
                    stillBound: one(of: [true, false]), notSent: one(of: [true, false])))
        case 13..<15:
            return .timeWait(
                socket: socket, successor: one(of: Self.sockets), reusable: one(of: [true, false]),
                time: time)
        case 15..<17:
            return .released(
                socket: socket, cookie: one(of: [0] + Self.sockets),
                mayReturn: one(of: [true, false]), time: time)
        case 17:
            let state = one(of: [.connecting, .established, .timeWait] as [Record.State])
            return .exists(connection(socket, port, at: time), state: state)
        case 18: return .owner(socket: socket, netns: one(of: [1, 2]), process())
        default:
            return .namespace(
                netns: one(of: [1, 2]),
                Namespace(inode: one(of: [1, 2, 3]), pool: PortPool(range: range())), pid: 0)
        }
    }

    mutating func purpose() -> TableScan.Purpose { one(of: [.seed, .audit, .repair]) }

    mutating func walked() -> Set<UInt32> { one(of: [[], [1], [2], [1, 2]]) }

    mutating func sighting() -> TableEntry {
        TableEntry(
            socket: one(of: [0] + Self.sockets), cookie: one(of: [0] + Self.sockets),
            localPort: one(of: [0, 40_000, 40_001]),
            state: one(of: [.connecting, .established, .timeWait]),
            origin: one(of: [.client, .server, .either]))
    }

    private mutating func one<Value>(of values: [Value]) -> Value {
        values.randomElement(using: &random)!
    }

    private mutating func process() -> ProcessID {
        ProcessID(pid: one(of: [0, 1, 2]), name: ProcessID.Name("x"))
    }

    private mutating func range() -> PortRange {
        PortRange(low: one(of: [1, 40_000]), high: one(of: [40_003, 65_535, 0]))
    }

    private mutating func connection(
        _ socket: UInt64, _ port: UInt16, at time: UInt64
    ) -> Record.Connection {
        let tuple = Tuple(
            netns: one(of: [1, 2]), local: IPAddress(v4: 1),
            remote: IPAddress(v4: one(of: [1, 2, 3])), remotePort: 80)
        return Record.Connection(
            time: time, socket: socket, tuple: tuple, localPort: port,
            cookie: one(of: [0, 1, 2]), process: process(), range: range())
    }
}

/// The ledger contradicts neither itself nor arithmetic, whatever it is told.
@Suite struct LedgerHostileTests {
    private func complaint(about ledger: Ledger) -> String? {
        for state in ledger.tuples {
            let totals = state.totals
            let usage = state.usage
            if usage.timeWait < 0 || usage.held < usage.timeWait
                || usage.timeWait < usage.reusable || usage.held < usage.outsidePool
                || min(usage.reusable, usage.outsidePool) < 0
                || state.peak.held < state.held || state.entries < state.held
                || min(totals.opened, totals.closed, totals.failed) < 0
            {
                return """
                    \(usage), peak \(state.peak.held), \
                    entries \(state.entries), \(totals)
                    """
            }
        }
        return nil
    }

    /// Once every socket has been released, nothing is left: what is held is the sum of the entries.
    private func complaint(aboutEndOf ledger: Ledger) -> String? {
        var ledger = ledger
        for socket in Chaos.sockets {
            _ = ledger.apply(.released(socket: socket, cookie: 0, mayReturn: false, time: 1))
        }
        for state in ledger.tuples
        where state.held != 0 || state.timeWait != 0 || state.entries != 0 {
            return """
                left over: held \(state.held), TIME_WAIT \(state.timeWait), \
                entries \(state.entries)
                """
        }
        return nil
    }

    @Test(arguments: SeededGenerator.seeds(16)) func addsUp(seed: UInt64) throws {
        var chaos = Chaos(seed: seed)
        var ledger = Ledger()
        ledger.followsBoundPorts = seed % 2 == 0
        var told: [Record] = []
        for step in 1...6000 {
            let record = step % 9 == 0 ? told.randomElement(using: &chaos.random)! : chaos.record()
            told = told.suffix(12) + [record]
            if step % 100 == 0 { ledger.beginScan(for: chaos.purpose(), at: chaos.now) }
            if step % 100 < 20 { ledger.compare(chaos.sighting(), in: 1) }
            if step % 100 == 20 {
                let walked = chaos.walked()
                let held = walked.reduce(0) { $0 + ledger.held(in: $1) }
                let findings = ledger.endScan(of: walked)
                #expect(findings.drift.values.allSatisfy { $0 <= held + 20 })
                if step % 1000 == 20 { ledger.close(namespace: 2) }
            }
            let change = ledger.apply(record)
            #expect(change?.held ?? 0 >= 0 && change?.usable ?? 0 >= 0)
            if step % 10 == 0 { ledger.settle(now: chaos.now) { _ in } }
            if step % 50 == 0 {
                for tick in ledger.takeTicks(at: 2_000_000_000) {
                    #expect(min(tick.usage.held, tick.usage.timeWait, tick.since.opened) >= 0)
                }
                ledger.forgetIdle(keeping: 3, gone: 1)
            }
            if let complaint = complaint(about: ledger) ?? complaint(aboutEndOf: ledger) {
                Issue.record("step \(step): \(complaint) after \(told)")
                return
            }
        }
    }
}
