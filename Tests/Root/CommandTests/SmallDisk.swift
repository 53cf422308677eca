import Foundation
import Testing

/// The tracer, writing to a disk of its own that has hardly any space.
final class SmallDisk {
    private let process = Process()
    private let errors = Pipe()
    private let output: FileHandle
    /// The disk, as the tracer's mount namespace has it.
    private let folder: String

    /// Returns when the hooks are in place and what exists was looked at.
    init(_ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments =
            [
                "--mount", "/bin/sh", "-c",
                """
                mount -t tmpfs -o size=512k none /mnt && head -c 384k /dev/zero > /mnt/filler \
                && exec "$0" "$@" > /mnt/output
                """, portgauge.path,
            ] + arguments
        process.standardError = errors
        try process.run()
        folder = "/proc/\(process.processIdentifier)/root/mnt"
        let file = "\(folder)/output"
        for _ in 0..<600 where (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" == "" {
            Foundation.Thread.sleep(forTimeInterval: 0.05)
        }
        output = try #require(FileHandle(forReadingAtPath: file))
        Foundation.Thread.sleep(forTimeInterval: 0.2)
    }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

    /// Another file on it.
    func file(_ name: String) -> FileHandle? {
        FileHandle(forReadingAtPath: "\(folder)/\(name)")
    }

    /// Somebody deletes what took up most of it.
    func makeSpace() throws { try FileManager.default.removeItem(atPath: "\(folder)/filler") }

    /// Stops the tracer as Ctrl-C does. Returns what was written, and how it ended.
    func finish() throws -> (output: String, errors: String, status: Int32) {
        kill(process.processIdentifier, SIGINT)
        process.waitUntilExit()
        let written = String(decoding: output.readDataToEndOfFile(), as: UTF8.self)
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        return (written, String(decoding: said, as: UTF8.self), process.terminationStatus)
    }
}
