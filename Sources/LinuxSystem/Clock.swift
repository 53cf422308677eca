import Glibc

/// The clocks, in nanoseconds.
package enum Clock {
    /// CLOCK_MONOTONIC, in which the kernel stamps records.
    package static var monotonic: UInt64 { now(CLOCK_MONOTONIC) }

    /// The difference, to be added to CLOCK_MONOTONIC with overflow, to the time of day since 1970 in
    /// UTC. It changes when somebody sets the clock or the machine was suspended.
    package static var realtimeOffset: UInt64 { now(CLOCK_REALTIME) &- now(CLOCK_MONOTONIC) }

    /// Seconds that local time is ahead of UTC now.
    package static var localOffset: Int {
        var seconds = time(nil)
        var local = unsafe tm()
        // SAFETY: the C library fills `local`, of which only a number is read.
        unsafe localtime_r(&seconds, &local)
        return unsafe local.tm_gmtoff
    }

    /// CPU time that this process has used, in user and kernel mode.
    package static var processorTime: UInt64 { now(CLOCK_PROCESS_CPUTIME_ID) }

    private static func now(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // SAFETY: the clocks exist, and the kernel writes `time` and nothing else.
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
