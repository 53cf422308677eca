import ArgumentParser
import Glibc
import Probe

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say whether portgauge can trace here, and which hook serves what.",
        discussion: "The exit status is 0 if it can, and 1 if not.")

    func run() throws {
        print("Linux \(kernelRelease())")
        report("\nrights to trace", Capability.toAttach)
        report("rights to follow other network namespaces", Capability.forNamespaces)
        print("kept while tracing, all others are given up:")
        print("  " + Capability.whileTracing.map(\.name).joined(separator: ", "))
        do throws(ProbeError) {
            report(try Probe(filter: Probe.Filter(), ringBytes: 1 << 16))
        } catch {
            print("\nportgauge cannot trace here: \(error)")
            throw ExitCode(1)
        }
    }

    private func report(_ title: String, _ capabilities: [Capability]) {
        print("\(title):")
        for capability in capabilities {
            line(capability.isHeld ? "ok" : "missing", capability.name, capability.purpose)
        }
    }

    private func report(_ probe: borrowing Probe) {
        print("\nhooks, all of them tracepoints and iterators, which hardened kernels allow, too:")
        for hook in probe.hooks {
            line(hook.refusal.map(errnoName) ?? "ok", hook.name, hook.purpose)
            if hook.refusal != nil, let loss = hook.loss { line("", "", "without it: \(loss)") }
        }
        print(
            probe.hooks.contains { $0.refusal != nil }
                ? "\nportgauge can trace here, with what is missing above."
                : "\nportgauge can trace here.")
    }

    private func line(_ verdict: String, _ name: String, _ text: String) {
        func pad(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        print("  \(pad(verdict, 9))\(pad(name, 21))\(text)")
    }
}
