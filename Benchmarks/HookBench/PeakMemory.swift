import Glibc
import LinuxSystem

/// How much memory portgauge has taken for 300,000 connections, all in TIME_WAIT.
struct PeakMemory: CustomStringConvertible {
    private let kibibytes: Int

    init(of portgauge: String) throws(SystemError) {
        let others = TracepointPrograms.count
        let tracer = try Tracer([portgauge, "--events", "failures"], start: nil)
        let nowhere = try FileDescriptor(opening: "/dev/null", O_RDWR)
        let load = try Spawned(
            [portgauge, "load", "--connections", "300000", "--destinations", "64"],
            output: nowhere.raw)
        while !load.hasEnded { usleep(100_000) }
        let status = try FileDescriptor(opening: "/proc/\(tracer.process.pid)/status")
        kibibytes = number(after: "VmHWM", in: contents(of: status.raw)) ?? 0
        tracer.stop(others)
    }

    var description: String {
        "peak memory of portgauge: \(kibibytes / 1024) MiB after 300,000 connections"
    }
}
