import ArgumentParser
import BenchSupport
import Glibc
import LinuxSystem

/// How many instructions a connection takes: to be run where the clock counts instructions, in a
/// machine that is emulated with one of them a nanosecond.
struct InstructionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "instructions",
        abstract: "What hooks cost each connection, in an emulated machine's instructions.")

    @OptionGroup var objects: ObjectOptions

    @Option(help: "Connections in each batch.")
    var batch = 600

    @Option(help: "Batches with each subject attached, and as many without.")
    var rounds = 9

    private static let ports: UInt16 = 512

    func run() throws {
        let core = try HookSet(objects.object, .core)
        let subjects = try subjects(core)
        let counters = try SharedCounters()
        let load = try SteadyLoad(counters, ports: Self.ports)
        let listener = try load.listener()
        func measure(_ count: Int) -> Double {
            let start = Clock.monotonic
            for _ in 0..<count { load.connectOnce(listener) }
            return Double(Clock.monotonic - start) / Double(count)
        }

        warmUp { measure(batch) }
        let rings = try core.rings
        var bases: [Double] = []
        for subject in subjects {
            guard case .hooks(let hooks) = subject.kind else { continue }
            var differences: [Double] = []
            var before = measure(batch)
            for _ in 0..<rounds {
                var links: [Attachment] = []
                for hook in hooks { links.append(try hook.set.attach(hook.program)) }
                // From here on each TIME_WAIT that ends is one that was seen to begin.
                for _ in 0..<Self.ports { load.connectOnce(listener) }
                for ring in rings { ring.empty() }
                let during = measure(batch)
                for ring in rings { ring.empty() }
                links.removeAll()
                let after = measure(batch)
                differences.append(during - (before + after) / 2)
                bases.append(after)
                before = after
            }
            tell(subject.name, differences)
        }
        tell("base", bases)
        let failures = counters[SharedCounters.failures]
        guard failures == 0 else {
            throw SystemError("connect", errno: EADDRNOTAVAIL, remedy: "\(failures) have failed")
        }
    }

    private func subjects(_ core: HookSet) throws -> [Subject] {
        func hooks(_ set: HookSet) -> [Subject.Hook] {
            set.programs.map { Subject.Hook(set: set, program: $0) }
        }
        var subjects = Objects.byHook(hooks(core), "")
        subjects.append(Subject(name: "all", kind: .hooks(hooks(core))))
        for (choice, name) in [
            (HookSet.Choice.trampolines, "trampolines"), (.systemCalls, "system calls"),
        ] {
            let set = try HookSet(objects.returnValues, choice, sharing: core)
            subjects.append(
                Subject(name: "all and \(name)", kind: .hooks(hooks(core) + hooks(set))))
        }
        return subjects
    }

    /// A machine that has just been started takes twice as many for the first seconds. Returns when it
    /// has come to rest.
    private func warmUp(_ measure: () -> Double) {
        var last: [Double] = []
        while last.count < 150 {
            last.append(measure())
            let recent = last.suffix(10)
            guard last.count >= 50, let low = recent.min(), let high = recent.max() else {
                continue
            }
            if high < low * 1.005 { break }
        }
        print("warmed up in \(last.count) batches: \(Int(last[0])) to \(Int(last[last.count - 1]))")
    }

    private func tell(_ name: String, _ values: [Double]) {
        guard let middle = median(values), let low = values.min(), let high = values.max() else {
            return
        }
        let range = "[\(Int(low.rounded()))..\(Int(high.rounded()))]"
        print("  \(name.left(30)) \(middle.text(digits: 0).right(8))  \(range)")
        printFigure("instructions/" + name.replacing(" ", with: "_"), middle)
        fflush(nil)
    }
}
