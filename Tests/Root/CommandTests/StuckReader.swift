import Foundation
import LoadGenerator
import Testing

/// The tracer, with a reader of its standard output that stops reading, and goes on when it is told.
final class StuckReader {
    enum Sink: String, CaseIterable, Sendable {
        case pipe
        /// A pipe of somebody else, which the tracer may write to but not open again.
        case foreignPipe
        case socket
        case unreadTerminal
        /// Stopped by Ctrl-S.
        case stoppedTerminal
    }

    private let process = Process()
    private let errors = Pipe()
    private let sink: Sink
    private let reader: Int32
    private var text: [UInt8] = []

    /// Returns when the hooks are in place, what exists was looked at, and nobody reads any more.
    ///
    /// - Parameter terminal: the tracer's standard error.
    init(_ sink: Sink, _ arguments: [String], terminal: FileHandle? = nil) throws {
        self.sink = sink
        let ends = try Self.open(sink)
        reader = ends.reader
        let writer = FileHandle(fileDescriptor: ends.writer, closeOnDealloc: true)
        process.executableURL = portgauge
        process.arguments = arguments
        if sink == .foreignPipe {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
            process.arguments = ["--bounding-set=-dac_override", portgauge.path] + arguments
        }
        process.environment = ["NO_COLOR": "1"]
        process.standardOutput = writer
        process.standardError = terminal ?? errors.fileHandleForWriting
        try process.run()
        try writer.close()
        try errors.fileHandleForWriting.close()
        while !text.contains(UInt8(ascii: "\n")) { try #require(read(), "\(complaint)") }
        if sink == .stoppedTerminal { try #require(write(reader, "\u{13}", 1) == 1) }
        Foundation.Thread.sleep(forTimeInterval: 0.2)
    }

    private static func open(_ sink: Sink) throws -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        switch sink {
        case .pipe: try #require(pipe(&ends) == 0)
        case .foreignPipe:
            try #require(pipe(&ends) == 0)
            try #require(fchown(ends[1], 65534, 65534) == 0)
        case .socket:
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        case .unreadTerminal, .stoppedTerminal:
            var master: Int32 = -1
            var slave: Int32 = -1
            try #require(openpty(&master, &slave, nil, nil, nil) == 0)
            ends = [master, slave]
        }
        for end in ends { try #require(fcntl(end, F_SETFD, FD_CLOEXEC) == 0) }
        return (ends[0], ends[1])
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        close(reader)
    }

    /// False at the end.
    private func read() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(reader, &chunk, chunk.count)
        // A terminal makes "\r\n" of "\n". When its last writer has gone, it fails with EIO.
        text += chunk.prefix(max(0, count)).filter { $0 != UInt8(ascii: "\r") }
        return count > 0
    }

    /// The reader takes what there is, and is stuck again.
    func catchUp() {
        var ready = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        while poll(&ready, 1, 500) > 0, read() {}
    }

    /// Stops it as Ctrl-C does.
    func interrupt() { kill(process.processIdentifier, SIGINT) }

    var isRunning: Bool { process.isRunning }

    /// Waits for the end. Negative: the signal that killed it.
    var exitStatus: Int32 {
        process.waitUntilExit()
        return process.terminationReason == .exit
            ? process.terminationStatus : -process.terminationStatus
    }

    /// The reader goes on. Returns the lines when the tracer has ended.
    func finish() throws -> [String] {
        if sink == .stoppedTerminal { try #require(write(reader, "\u{11}", 1) == 1) }
        while read() {}
        #expect(exitStatus == 0)
        #expect(complaint == "")
        return String(decoding: text, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false
        ).dropLast().map(String.init)
    }

    /// After the end.
    private var complaint: String {
        String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    /// In KiB.
    var memory: Int {
        get throws {
            let path = "/proc/\(process.processIdentifier)/status"
            let status = try String(contentsOfFile: path, encoding: .utf8)
            let match = try #require(status.firstMatch(of: /VmRSS:\s*(\d+) kB/))
            return try #require(Int(match.1))
        }
    }

    /// Seconds of a CPU that it has used.
    var processorTime: Double {
        get throws {
            let path = "/proc/\(process.processIdentifier)/stat"
            let stat = try String(contentsOfFile: path, encoding: .utf8)
            // The name, in parentheses, is the second of the fields; these are the 14th and 15th.
            let fields = stat[try #require(stat.lastIndex(of: ")"))...].split(separator: " ")
            let ticks = try #require(Int(fields[12])) + #require(Int(fields[13]))
            return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }
}
