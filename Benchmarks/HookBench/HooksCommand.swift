import ArgumentParser
import BenchSupport
import Glibc
import LinuxSystem

/// Where the programs are that are measured.
struct ObjectOptions: ParsableArguments {
    @Option(help: "The BPF object with the hooks.")
    var object = "bpf/portgauge.bpf.o"

    @Option(help: "The BPF object that sees what calls return, whose trampolines may be refused.")
    var returnValues = "bpf/return_values.bpf.o"

    @Option(help: "The BPF object with empty programs.")
    var empty = "Benchmarks/empty.bpf.o"
}

/// What hooks and tracers cost a connection.
struct HooksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hooks", abstract: "What hooks and tracers cost each connection of this host.")

    @OptionGroup var objects: ObjectOptions

    @Option(help: "The portgauge to measure.")
    var portgauge = ".build/release/portgauge"

    @Option(help: "Seconds for each shape of the load.")
    var seconds = 250.0

    @Option(help: "Milliseconds of each window.")
    var window: UInt32 = 150

    @Option(help: "Shapes of the load.")
    var shape: [SteadyLoad.Shape] = SteadyLoad.Shape.allCases

    @Flag(help: "Without each hook alone.")
    var together = false

    @Flag(inversion: .prefixedNo, help: "Measure portgauge's memory as well.")
    var memory = true

    func run() throws {
        let loaded = try Objects(
            main: objects.object, returnValues: objects.returnValues, empty: objects.empty)
        let reader = try Reader(loaded.rings)
        defer { withExtendedLifetime(reader) {} }
        let host = Host()
        print("Linux \(host.kernel), \(host.cpus) CPUs; \(objects.object), \(portgauge)")
        print(
            "CPU-ns a connection, both ends: load and ksoftirqd, with it less without it; in brackets",
            "the 95 % interval", separator: "\n")
        fflush(nil)
        var lost = 0
        for shape in shape {
            let outcome = try measure(shape, loaded)
            lost += outcome.lost
        }
        print("\nrecords lost by portgauge in all of it: \(lost)")
        if memory { print(try PeakMemory(of: portgauge)) }
    }

    private func measure(
        _ shape: SteadyLoad.Shape, _ loaded: Objects
    ) throws -> Comparison.Outcome {
        var subjects =
            together
            ? []
            : Objects.byHook(loaded.hollow, ", empty") + Objects.byHook(loaded.real, "")
        subjects.append(Subject(name: "all hooks, empty", kind: .hooks(loaded.hollow)))
        subjects.append(Subject(name: "all hooks", kind: .hooks(loaded.real)))
        subjects.append(
            Subject(
                name: "portgauge --events failures",
                kind: .command([portgauge, "--events", "failures"], start: nil)))
        subjects.append(
            Subject(
                name: "tcpstates (libbpf-tools)",
                kind: .command(Self.tcpstates, start: 1000), every: 3))
        let comparison = try Comparison(shape, window: window)
        let outcome = try comparison.run(subjects, seconds: seconds)
        print("\n" + CostTable(shape, subjects, outcome).text)
        fflush(nil)
        return outcome
    }

    /// It wants tracefs, which is mounted where nobody else sees it.
    private static let tcpstates = [
        "unshare", "--mount", "sh", "-c",
        "[ -e /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing; "
            + "exec tcpstates",
    ]
}
