import Glibc

/// What the host is, as `uname` prints it, and how many of its CPUs are online.
package struct Host: Sendable {
    package let name: String
    /// Such as `6.18.44`.
    package let kernel: String
    /// Such as `x86_64`.
    package let machine: String
    package let cpus: Int

    package init() {
        var system = utsname()
        unsafe uname(&system)
        name = unsafe withUnsafeBytes(of: system.nodename) { unsafe Self.text($0) }
        kernel = unsafe withUnsafeBytes(of: system.release) { unsafe Self.text($0) }
        machine = unsafe withUnsafeBytes(of: system.machine) { unsafe Self.text($0) }
        cpus = max(0, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    /// The kernel ends each with a NUL.
    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
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

/// Writes to standard error, as it is.
package func complain(_ bytes: [UInt8]) { _ = unsafe write(STDERR_FILENO, bytes, bytes.count) }

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
    package static var columns: Int? { columns(of: STDOUT_FILENO) }

    private static func columns(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return 0 }
        return Int(size.ws_col)
    }

    /// On a terminal, unless NO_COLOR (https://no-color.org) or a terminal that cannot.
    package static var wantsColour: Bool { wantsColour(on: STDOUT_FILENO) }

    /// The same of another descriptor.
    package static func wantsColour(on descriptor: Int32) -> Bool {
        guard isatty(descriptor) == 1 else { return false }
        return variable("NO_COLOR") == "" && name != "dumb"
    }

    /// Whether standard error is one.
    package static var showsErrors: Bool { isatty(STDERR_FILENO) == 1 }

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
    package static var width: Int? { width(of: STDOUT_FILENO) }

    /// The same of another descriptor.
    package static func width(of descriptor: Int32) -> Int? {
        if let wanted = Int(variable("COLUMNS")), wanted > 0 { return wanted }
        return columns(of: descriptor).flatMap { $0 > 0 ? $0 : nil }
    }

    private static func variable(_ name: String) -> String {
        guard let value = unsafe getenv(name) else { return "" }
        return unsafe String(cString: value)
    }
}
