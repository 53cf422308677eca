import Glibc

/// The running kernel's release, such as `6.18.44`.
package func kernelRelease() -> String {
    var name = utsname()
    unsafe uname(&name)
    return unsafe withUnsafeBytes(of: name.release) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// Says something on standard error, which is for the person and none of the output.
package func complain(_ text: String) { Complaints.say(text) }

/// What there is to complain about waits while the terminal shows a screen.
enum Complaints {
    /// Nil: nothing waits. Everything that complains while there is a screen is on one thread.
    nonisolated(unsafe) private static var waiting: [String]?

    static func say(_ text: String) {
        guard unsafe waiting == nil || isatty(STDERR_FILENO) == 0 else {
            unsafe waiting?.append(text)
            return
        }
        let line = Array("portgauge: \(text)\n".utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }

    static func hold() { if unsafe waiting == nil { unsafe waiting = [] } }

    static func tell() {
        let texts = unsafe waiting ?? []
        unsafe waiting = nil
        for text in texts { say(text) }
    }
}

/// The clocks, in nanoseconds.
package enum Clock {
    /// CLOCK_MONOTONIC, in which the kernel stamps records.
    package static var monotonic: UInt64 { now(CLOCK_MONOTONIC) }

    /// What to add to CLOCK_MONOTONIC, wrapping, for the time of day since 1970 in UTC. It changes
    /// when somebody sets the clock or the machine was suspended.
    package static var realtimeOffset: UInt64 { now(CLOCK_REALTIME) &- now(CLOCK_MONOTONIC) }

    /// Seconds that local time is ahead of UTC now.
    package static var localOffset: Int {
        var seconds = time(nil)
        var local = unsafe tm()
        unsafe localtime_r(&seconds, &local)
        return unsafe local.tm_gmtoff
    }

    /// CPU time that this process has used, in user and kernel mode.
    package static var processorTime: UInt64 { now(CLOCK_PROCESS_CPUTIME_ID) }

    private static func now(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Standard output's terminal.
package enum Terminal {
    /// Nil when it is none; 0 columns when it does not say.
    package static var columns: Int? {
        guard isatty(STDOUT_FILENO) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return 0 }
        return Int(size.ws_col)
    }

    /// On a terminal, unless NO_COLOR (https://no-color.org) or a terminal that cannot.
    package static var wantsColour: Bool {
        guard columns != nil else { return false }
        return variable("NO_COLOR") == "" && name != "dumb"
    }

    /// What kind it is; empty when nobody says.
    package static var name: String { variable("TERM") }

    /// Whether it shows UTF-8, as far as the locale says: the first of these that is set.
    package static var isUTF8: Bool {
        let names = ["LC_ALL", "LC_CTYPE", "LANG"]
        let locale = names.lazy.map(variable).first { !$0.isEmpty } ?? ""
        let charset = locale.lowercased().filter { $0 != "-" }
        return charset.hasSuffix(".utf8") || charset.contains(".utf8@")
    }

    /// How wide text is to be: as COLUMNS says, or else the terminal; nil where neither does.
    package static var width: Int? {
        if let wanted = Int(variable("COLUMNS")), wanted > 0 { return wanted }
        return columns.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func variable(_ name: String) -> String {
        guard let value = unsafe getenv(name) else { return "" }
        return unsafe String(cString: value)
    }
}
