import Foundation
import LoadGenerator
import TestSupport

/// Random operations in private network namespaces, one thread each, and at points of rest the
/// tracer's view of them beside the kernel's.
struct Oracle: Sendable {
    let tracer: Tracer
    var seed: UInt64
    var operations: Int
    var worlds = 3

    struct Tally: Sendable {
        var operations = 0
        var restPoints = 0
        var opened = 0
        var failed = 0

        static func += (left: inout Tally, right: Tally) {
            left.operations += right.operations
            left.restPoints += right.restPoints
            left.opened += right.opened
            left.failed += right.failed
        }
    }

    /// Where the tracer and the kernel, or what the sockets got, are not of one mind.
    struct Disagreement: Error, CustomStringConvertible {
        var seed: UInt64
        var world: Int
        var operation: Int
        var about: [String]
        var history: [String]

        var description: String {
            """
            seed \(seed), namespace \(world), after operation \(operation):
            \(about.joined(separator: "\n"))
            \(history.joined(separator: "\n"))
            """
        }
    }

    /// What makes the tracer count the sockets of an oracle, and no others.
    static let arguments =
        ["--events", "all"] + World.serverPorts.flatMap { ["--remote", "[::]/0:\($0)"] }

    /// Runs all namespaces to their ends. Throws the first disagreement.
    func run() throws -> Tally {
        let threads = try (0..<worlds).map { number in
            try LoadGenerator.Thread { Result { try self.run(world: number) } }
        }
        var total = Tally()
        for outcome in threads.map({ $0.join() }) { total += try outcome.get() }
        return total
    }

    private func run(world number: Int) throws -> Tally {
        var random = SeededGenerator(state: seed &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d)
        try PrivateNamespace.enter()
        let netns = String(try PrivateNamespace.currentInode())
        let before = tracer.view(of: netns)
        let world = try World(random: SeededGenerator(state: random.next()))
        var tally = Tally()
        var sinceSettled: Int?
        func check(_ complaints: [String]) throws {
            guard !complaints.isEmpty else { return }
            throw Disagreement(
                seed: seed, world: number, operation: tally.operations, about: complaints,
                history: world.history.suffix(60) + tracer.tail(of: netns, 40))
        }
        for count in 1...max(1, operations / worlds) {
            tally.operations = count
            try world.perform(.random(using: &random), number: count)
            guard Int.random(in: 0..<25, using: &random) == 0 else { continue }
            tally.restPoints += 1
            // Reserved ports are told a second after they were at the latest.
            if Date().timeIntervalSince(world.changedAt) < 1.1 {
                sinceSettled = nil
            } else if sinceSettled == nil {
                sinceSettled = tracer.view(of: netns).events
                try world.perform(.connect, number: count)
            }
            try check(compareTable(netns))
            try check(compareUsable(netns, world, since: sinceSettled))
        }
        try check(compareTable(netns))
        (tally.opened, tally.failed) = (world.opened, world.failed)
        try check(compareCounts(netns, before, tally))
        return tally
    }

    /// Port by port. The kernel is asked before and after, as its TIME_WAITs end by themselves.
    private func compareTable(_ netns: String) throws -> [String] {
        let ports = Set(World.serverPorts.map { Int($0) })
        let deadline = Date(timeIntervalSinceNow: 2)
        var kernel = Holdings(try KernelTable(), to: ports)
        while true {
            let agrees = tracer.wait(on: netns, seconds: 0.2) { Holdings($0) == kernel }
            let after = Holdings(try KernelTable(), to: ports)
            if agrees, after == kernel { return [] }
            kernel = after
            if Date() > deadline {
                return Holdings.difference(
                    kernel: kernel, tracer: Holdings(tracer.view(of: netns)))
            }
        }
    }

    /// In each tuple of which anything was told since event number `since`.
    private func compareUsable(_ netns: String, _ world: World, since: Int?) -> [String] {
        guard let since else { return [] }
        return tracer.view(of: netns).accounts.compactMap { tuple, account in
            guard account.told > since, account.usable != world.usable else { return nil }
            return "\(tuple.local) → \(tuple.remote):\(tuple.remotePort): "
                + "usable \(world.usable), tracer \(account.usable)"
        }
    }

    /// Told with the next tick.
    private func compareCounts(_ netns: String, _ before: TracerView, _ tally: Tally) -> [String] {
        func counts(_ view: TracerView) -> [Int] {
            [
                view.opened - before.opened, view.failed - before.failed,
                view.failures - before.failures,
            ]
        }
        let expected = [tally.opened, tally.failed, tally.failed]
        if tracer.wait(on: netns, seconds: 3, until: { counts($0) == expected }) { return [] }
        return [
            "opened, failed, failures: got \(expected), tracer \(counts(tracer.view(of: netns)))"
        ]
    }
}
