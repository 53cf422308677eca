import Glibc
import LinuxSystem

/// A tracer that runs as a command, and what it has printed.
final class Tracer {
    let process: Spawned
    private let output: FileDescriptor

    /// Returns when it traces.
    ///
    /// - Parameter start: milliseconds; nil: when it has written something. What it writes is only kept then.
    init(_ arguments: [String], start: UInt32?) throws(SystemError) {
        let output = try Self.output(isKept: start == nil)
        let file = output.raw
        process = try Spawned(arguments, output: file)
        self.output = output
        if let start {
            usleep(start * 1000)
        } else {
            for _ in 0..<1000 where lseek(file, 0, SEEK_END) == 0 && !process.hasEnded {
                usleep(10_000)
            }
        }
        guard !process.hasEnded else {
            throw SystemError(
                "run \(arguments.joined(separator: " "))", errno: ECHILD, remedy: "it says:",
                detail: text)
        }
    }

    /// Makes a file that has no name any more, or opens what keeps nothing.
    private static func output(isKept: Bool) throws(SystemError) -> FileDescriptor {
        guard isKept else { return try FileDescriptor(opening: "/dev/null", O_RDWR) }
        var path = Array("/tmp/portgauge-bench.XXXXXX".utf8CString)
        let file = FileDescriptor(
            owning: try check("make a file", remedy: "make /tmp writable") {
                // SAFETY: the path ends with a NUL, and mkstemp() changes only what is in front of it.
                unsafe mkstemp(&path)
            })
        unsafe unlink(path)
        return file
    }

    /// What it has written by now.
    var text: String { contents(of: output.raw) }

    /// Ends it, and returns when its hooks are gone: a process of its own may wait for that.
    ///
    /// - Parameter before: programs on the watched tracepoints when it was started.
    func stop(_ before: Int) {
        process.stop()
        for _ in 0..<200 where TracepointPrograms.count > before { usleep(10_000) }
    }
}

/// All of a file from its beginning, up to 64 KiB.
func contents(of file: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    // SAFETY: the kernel writes within the array.
    let count = unsafe pread(file, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
}

/// The number behind `label` in `text`; nil if there is none.
func number(after label: String, in text: String) -> Int? {
    for line in text.split(whereSeparator: \.isNewline) where line.contains(label) {
        let words = line.split { !$0.isNumber && $0 != "," }
        if let number = words.lazy.compactMap({ Int($0.filter(\.isNumber)) }).first {
            return number
        }
    }
    return nil
}
