import ArgumentParser
import LinuxSystem
import PortModel
import Probe
import Report
import Tracing

/// What every command that traces can be told.
struct TracingOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Warn when a tuple holds so much of its ports. (default: 50,66,90)",
            valueName: "percent,…"),
        transform: thresholds)
    var warnAt = AlertThresholds.defaultThresholds

    @Option(
        help: ArgumentHelp(
            "Hold the counts against the kernel's own table so often, and at the end; 0: never. "
                + "(default: 10)",
            valueName: "seconds"),
        transform: interval)
    var audit = 10.0

    @Option(
        help: ArgumentHelp(
            "Room for what happens while this program does not run; a power of two. (default: 4M)",
            valueName: "bytes"),
        transform: ringSize)
    var ringSize: UInt32 = 4 << 20

    @Flag(
        inversion: .prefixedNo,
        help: ArgumentHelp(
            "Where the kernel refuses trampolines, see what bind() returns, and a connect() without a "
                + "local address, by tracepoints of these system calls: each system call of the host "
                + "takes some 50 ns longer meanwhile. Without, a failing bind() is inferred."))
    var syscalls = true

    @Flag(help: "In text, print seconds since the start (+12.345) in place of the time of day.")
    var sinceStart = false

    @Flag(help: "In text, print names of peers in place of addresses, as soon as they are known.")
    var resolve = false

    @OptionGroup var outputs: RecordOptions

    @OptionGroup var filters: FilterOptions

    var options: TraceLoop.Options {
        var options = TraceLoop.Options(version: Portgauge.version)
        options.thresholds = warnAt
        options.filter = filters.filter
        options.audit = audit
        options.ringBytes = ringSize
        options.systemCalls = syscalls
        options.sinceStart = sinceStart
        options.resolve = resolve
        options.record = outputs.record
        options.reports = outputs.reports
        return options
    }

    static func thresholds(_ text: String) throws -> [Int] {
        let percents = text.split(separator: ",", omittingEmptySubsequences: false)
        return try Set(percents.map { try SnapshotCommand.percent(String($0)) }).sorted()
    }

    static func interval(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds == 0 || (0.1...1e9).contains(seconds) else {
            throw ValidationError("it must be 0, or a number of seconds from 0.1 on")
        }
        return seconds
    }

    /// 4096, or in binary units 64k, 4M.
    static func ringSize(_ text: String) throws -> UInt32 {
        let units: [Character: UInt32] = ["k": 10, "K": 10, "m": 20, "M": 20]
        let shift = text.last.flatMap { units[$0] }
        guard let number = UInt32(shift == nil ? text[...] : text.dropLast()),
            case let bytes = UInt64(number) << UInt64(shift ?? 0),
            (16384...(1 << 30)).contains(bytes), bytes & (bytes - 1) == 0
        else {
            throw ValidationError("it must be a power of two from 16k to 1024M")
        }
        return UInt32(bytes)
    }
}

/// How long a trace takes that no command ends.
struct DurationOption: ParsableArguments {
    @Option(help: ArgumentHelp("End after so long.", valueName: "seconds"), transform: duration)
    var duration: Double?

    static func duration(_ text: String) throws -> Double {
        guard let seconds = Double(text), seconds > 0, seconds <= 1e9 else {
            throw ValidationError("it must be a number of seconds greater than 0")
        }
        return seconds
    }
}

/// What else is made of a trace, besides what it says while it runs.
struct RecordOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write every event there as JSON, whatever else is shown; `portgauge report` makes reports "
                + "of it. -: to standard output; the text then goes to standard error.",
            valueName: "file"))
    var record: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write the report there: as JSON or HTML if its name ends in .json or .html, "
                + "else as text.",
            valueName: "file"))
    var report: String?

    @Option(
        help: ArgumentHelp(
            "At the end, write the report there as one HTML page with charts.", valueName: "file"))
    var html: String?

    func validate() throws {
        let files = [("--record", record), ("--report", report), ("--html", html)]
        for (option, name) in files where name == "" {
            throw ValidationError("\(option) needs the name of a file")
        }
        for (option, name) in files.dropFirst() where name == "-" {
            throw ValidationError("\(option) needs a file: standard output has the summary already")
        }
        let given = files.filter { $0.1 != nil }
        for (index, file) in given.enumerated() {
            if let other = given[..<index].first(where: { $0.1 == file.1 }) {
                throw ValidationError("\(other.0) and \(file.0) cannot go to one file")
            }
        }
    }

    /// Which reports are to be written, and where.
    var reports: [ReportFile.Target] {
        [
            report.map { ReportFile.Target(path: $0) },
            html.map { ReportFile.Target(path: $0, form: .html) },
        ].compactMap(\.self)
    }
}
