import Foundation
import Testing

/// A program that runs beside the test, which writes to it and reads what it says.
final class Conversation: Sendable {
    private let process: Process
    private let input = Pipe()
    private let heard: [Ear]

    init(_ program: String, _ arguments: [String]) throws {
        let pipes = [Pipe(), Pipe()]
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = pipes[0]
        process.standardError = pipes[1]
        unblockSignals()
        try process.run()
        heard = pipes.map { Ear($0.fileHandleForReading) }
    }

    deinit { if process.isRunning { kill(processIdentifier, SIGKILL) } }

    var processIdentifier: Int32 { process.processIdentifier }
    var output: String { heard[0].text }
    var errors: String { heard[1].text }

    func say(_ text: String) throws {
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    func send(_ signal: Int32) { kill(processIdentifier, signal) }

    /// Waits until standard output matches.
    @discardableResult
    func listen<Output>(for pattern: Regex<Output>) throws -> Regex<Output>.Match {
        try heard[0].listen(for: pattern)
    }

    /// The same of standard error.
    @discardableResult
    func listenToErrors<Output>(for pattern: Regex<Output>) throws -> Regex<Output>.Match {
        try heard[1].listen(for: pattern)
    }

    /// Waits for its end. Returns its status as a shell has it.
    @discardableResult
    func end() throws -> Int32 {
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        for ear in heard { ear.listenToTheEnd() }
        return process.terminationStatus + (process.terminationReason == .exit ? 0 : 128)
    }

    /// The same, which is to be with this status.
    func end(with expected: Int32, at location: SourceLocation = #_sourceLocation) throws {
        let status = try end()
        #expect(status == expected, "\(output)\(errors)", sourceLocation: location)
    }
}

/// Programs that this thread starts get signals: those of a thread pool have most of them blocked.
func unblockSignals() {
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
}

/// What comes out of a pipe, read by a thread of its own.
private final class Ear: @unchecked Sendable {
    private let lock = NSCondition()
    private var bytes = Data()
    private var hasEnded = false

    init(_ handle: FileHandle) {
        Foundation.Thread { [self] in
            while case let data = handle.availableData, !data.isEmpty {
                lock.withLock {
                    bytes.append(data)
                    lock.broadcast()
                }
            }
            lock.withLock {
                hasEnded = true
                lock.broadcast()
            }
        }.start()
    }

    var text: String { lock.withLock { String(decoding: bytes, as: UTF8.self) } }

    /// Until nobody has the other end open any more.
    func listenToTheEnd() {
        let deadline = Date(timeIntervalSinceNow: 120)
        lock.withLock { while !hasEnded && lock.wait(until: deadline) {} }
    }

    func listen<Output>(for pattern: Regex<Output>) throws -> Regex<Output>.Match {
        let deadline = Date(timeIntervalSinceNow: 120)
        lock.lock()
        defer { lock.unlock() }
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let match = text.firstMatch(of: pattern) { return match }
            if hasEnded || !lock.wait(until: deadline) { throw Silence(heard: text) }
        }
    }

    struct Silence: Error { var heard: String }
}
