import Glibc
import Probe

/// How much memory portgauge has taken for 300,000 connections, all in TIME_WAIT.
struct PeakMemory: CustomStringConvertible {
    private let kibibytes: Int

    init(of portgauge: String) throws(ProbeError) {
        let others = TracepointPrograms.count
        let tracer = try Tracer([portgauge, "--events", "failures"], start: nil)
        let nowhere = FileDescriptor(owning: unsafe open("/dev/null", O_RDWR | O_CLOEXEC))
        let load = try Spawned(
            [portgauge, "load", "--connections", "300000", "--destinations", "64"],
            output: nowhere.raw)
        while !load.hasEnded { usleep(100_000) }
        let status = FileDescriptor(
            owning: unsafe open("/proc/\(tracer.process.pid)/status", O_RDONLY | O_CLOEXEC))
        kibibytes = number(after: "VmHWM", in: contents(of: status.raw)) ?? 0
        tracer.stop(others)
    }

    var description: String {
        "peak memory of portgauge: \(kibibytes / 1024) MiB after 300,000 connections"
    }
}
