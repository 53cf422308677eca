import Glibc
import Probe

/// A tracer that runs as a command, and what it has printed.
final class Tracer {
    let process: Spawned
    private let output: FileDescriptor

    /// Returns when it traces.
    ///
    /// - Parameter start: milliseconds; nil: when it has written something. What it writes is only kept then.
    init(_ arguments: [String], start: UInt32?) throws(ProbeError) {
        var path = Array("/tmp/portgauge-bench.XXXXXX".utf8CString)
        let file =
            start == nil ? unsafe mkstemp(&path) : unsafe open("/dev/null", O_RDWR | O_CLOEXEC)
        guard file >= 0 else {
            throw ProbeError("make a file", errno: errno, remedy: "make /tmp writable")
        }
        output = FileDescriptor(owning: file)
        if start == nil { unsafe unlink(path) }
        process = try Spawned(arguments, output: file)
        if let start {
            usleep(start * 1000)
        } else {
            for _ in 0..<1000 where lseek(file, 0, SEEK_END) == 0 && !process.hasEnded {
                usleep(10_000)
            }
        }
        guard !process.hasEnded else {
            throw ProbeError(
                "run \(arguments.joined(separator: " "))", errno: ECHILD, remedy: "it says:",
                detail: text)
        }
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
