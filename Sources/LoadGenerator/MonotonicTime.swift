import Glibc
import LinuxSystem

/// A point on the clock that never jumps.
struct MonotonicTime: Comparable {
    /// Since an arbitrary start.
    private(set) var nanoseconds: Int64

    static func now() -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(Clock.monotonic))
    }

    /// This point moved by `seconds`, with the result kept within what the clock can express.
    func advanced(bySeconds seconds: Double) -> MonotonicTime {
        let result = Double(nanoseconds) + seconds * 1e9
        return MonotonicTime(nanoseconds: Int64(exactly: result.rounded()) ?? .max)
    }

    func seconds(since earlier: MonotonicTime) -> Double {
        Double(nanoseconds - earlier.nanoseconds) / 1e9
    }

    /// Sleeps until this point; returns at once when it has passed.
    func sleep() {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // SAFETY: the kernel reads the time, and returns an errno.
        while unsafe clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nil) == EINTR {}
    }

    static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}
