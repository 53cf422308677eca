import Foundation
import LinuxSystem
import LoadGenerator
import Synchronization
import TestSupport

/// Random operations in private network namespaces, one thread each, and at points of rest the
/// tracer's view of them beside the kernel's.
struct Oracle: Sendable {
    let tracer: Tracer
    var seed: UInt64
    var operations: Int
    var worlds = 3
    /// Is told of each thing that has been done.
    let tally: Tally

    /// What oracles have done so far, counted by their threads.
    final class Tally: Sendable {
        struct Counts: Sendable {
            var operations = 0
            var restPoints = 0
            var opened = 0
            var failed = 0
        }

        private let shared = Mutex(Counts())

        var counts: Counts { shared.withLock { $0 } }

        func add(_ field: WritableKeyPath<Counts, Int> & Sendable, _ count: Int = 1) {
            shared.withLock { $0[keyPath: field] += count }
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
    static let filter = World.serverPorts.flatMap { ["--remote", "[::]/0:\($0)"] }

    /// Runs all namespaces to their ends. Throws the first disagreement.
    func run() throws {
        let threads = try (0..<worlds).map { number in
            try LinuxSystem.Thread { Result { try self.run(world: number) } }
        }
        let namespaces = try threads.map { $0.join() }.map { try $0.get() }
        // With a namespace go its TIME_WAITs.
        for (number, netns) in namespaces.enumerated() {
            let isEmpty = tracer.wait(on: netns, seconds: 10) { $0.held.isEmpty }
            if !isEmpty {
                throw Disagreement(
                    seed: seed, world: number, operation: operations,
                    about: ["its namespace is gone, tracer \(tracer.view(of: netns).held)"],
                    history: tracer.tail(of: netns, 40))
            }
        }
    }

    /// Returns the inode number of the namespace, as events have it.
    private func run(world number: Int) throws -> String {
        var random = SeededGenerator(state: seed &+ UInt64(number) &* 0x2545_f491_4f6c_dd1d)
        try PrivateNamespace.enter()
        let netns = String(try PrivateNamespace.currentInode())
        let before = tracer.view(of: netns)
        let world = try World(random: SeededGenerator(state: random.next()))
        var count = 0
        func check(_ complaints: [String]) throws {
            guard !complaints.isEmpty else { return }
            throw Disagreement(
                seed: seed, world: number, operation: count, about: complaints,
                history: world.history + tracer.tail(of: netns, 400))
        }
        var settledSince: Int?
        while count < operations / worlds {
            count += 1
            try world.perform(.random(using: &random), number: count)
            tally.add(\.operations)
            guard Int.random(in: 0..<25, using: &random) == 0 else { continue }
            // Settings are told with a connect(), a second after they were at the latest.
            let areTold = Date().timeIntervalSince(world.changedAt) > 1.1
            if !areTold { settledSince = nil }
            if areTold, settledSince == nil { try world.perform(.connect, number: count) }
            try check(compareConnects(netns, world, since: before))
            try check(compareTable(netns, world))
            if let since = settledSince {
                try check(compareUsable(netns, world, since: since))
            } else if areTold {
                settledSince = tracer.view(of: netns).events
            }
            tally.add(\.restPoints)
        }
        try check(compareTable(netns, world))
        try check(compareCounts(netns, world, since: before))
        try check(compareSnapshot(world))
        tally.add(\.opened, world.opened)
        tally.add(\.failed, world.failed)
        return netns
    }

    /// Port by port. The kernel is asked before and after, as its TIME_WAITs end by themselves.
    private func compareTable(_ netns: String, _ world: World) throws -> [String] {
        let deadline = Date(timeIntervalSinceNow: 10)
        var kernel = try world.kernelHoldings()
        while true {
            let agrees = tracer.wait(on: netns, seconds: 0.2) { Holdings($0) == kernel }
            let after = try world.kernelHoldings()
            if agrees, after == kernel { return [] }
            kernel = after
            if Date() > deadline {
                return Holdings.difference(
                    kernel: kernel, tracer: Holdings(tracer.view(of: netns)))
            }
        }
    }

    /// Each connect() is told, and whether it got a port. At a point of rest.
    private func compareConnects(
        _ netns: String, _ world: World, since before: TracerView
    ) throws -> [String] {
        var told: [Int] = []
        let expected = [world.opened + world.failed, world.opened]
        for _ in 0..<50 {
            let underWay = try world.kernelHoldings().underWay
            func counts(_ view: TracerView) -> [Int] {
                [view.begun - before.begun, view.connected - before.connected + underWay]
            }
            if tracer.wait(on: netns, seconds: 0.2, until: { counts($0) == expected }) { return [] }
            told = counts(tracer.view(of: netns))
        }
        return ["connects, and those that got a port: \(expected), tracer \(told)"]
    }

    /// In each tuple of which anything was told since event number `since`. No more than the settings
    /// leave: what binds take of that is held against connects elsewhere.
    private func compareUsable(_ netns: String, _ world: World, since: Int) -> [String] {
        return tracer.view(of: netns).accounts.compactMap { tuple, account in
            guard account.told > since, account.usable > world.usable else { return nil }
            return "\(tuple.local) → \(tuple.remote):\(tuple.remotePort): "
                + "usable \(world.usable) at most, tracer \(account.usable)"
        }
    }

    /// Told with the next tick.
    private func compareCounts(
        _ netns: String, _ world: World, since before: TracerView
    ) -> [String] {
        func counts(_ view: TracerView) -> [Int] {
            [
                view.opened - before.opened, view.failed - before.failed,
                view.failures - before.failures,
            ]
        }
        let expected = [world.opened, world.failed, world.failed]
        if tracer.wait(on: netns, seconds: 10, until: { counts($0) == expected }) { return [] }
        return [
            "opened, failed, failures: got \(expected), tracer \(counts(tracer.view(of: netns)))"
        ]
    }

    /// A tracer that starts now finds what there is.
    private func compareSnapshot(_ world: World) throws -> [String] {
        var complaint: [String] = []
        // Again if anything has ended meanwhile.
        for _ in 0..<20 {
            let kernel = try world.kernelHoldings()
            let found = try Tracer(Self.filter + ["--events", "failures"]).stop().heldAtEnd
            if found == kernel.counts { return [] }
            complaint = Set(found.keys).union(kernel.counts.keys).compactMap { tuple in
                guard found[tuple] != kernel.counts[tuple] else { return nil }
                return "\(tuple.local) → \(tuple.remote):\(tuple.remotePort): a new tracer finds "
                    + "\(found[tuple] ?? 0) of \(kernel.counts[tuple] ?? 0), of them "
                    + "\(kernel.timeWaits[tuple]?.count ?? 0) in TIME_WAIT: "
                    + "\(kernel.ports[tuple] ?? [])"
            }
            if try world.kernelHoldings() == kernel { break }
        }
        return complaint
    }
}
