import Glibc

/// A file, or standard input, that is read from its beginning to its end.
package struct Input: ~Copyable {
    /// What it is called in an error.
    package let name: String
    private let descriptor: Int32
    private let opened: FileDescriptor?
    /// What `read` has read last, of which `count` bytes are there.
    package private(set) var bytes: [UInt8]
    package private(set) var count = 0

    private static let chunk = 1 << 18

    /// - Parameter path: `-` for standard input.
    package init(_ path: String) throws(ProbeError) {
        if path == "-" {
            name = "standard input"
            opened = nil
            descriptor = STDIN_FILENO
        } else {
            name = path
            let raw = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
            try check(raw, "read \(path)", remedy: Self.remedy(errno))
            opened = FileDescriptor(owning: raw)
            descriptor = raw
        }
        bytes = Array(repeating: 0, count: Self.chunk)
    }

    /// Reads on, for as long as it takes.
    ///
    /// - Returns: false at the end.
    package mutating func read() throws(ProbeError) -> Bool {
        var result: Int
        repeat {
            let descriptor = descriptor
            // As many bytes as the array has.
            result = unsafe bytes.withUnsafeMutableBytes {
                unsafe Glibc.read(descriptor, $0.baseAddress, $0.count)
            }
        } while result < 0 && errno == EINTR
        guard result >= 0 else {
            throw ProbeError("read \(name)", errno: errno, remedy: Self.remedy(errno))
        }
        count = result
        return result > 0
    }

    private static func remedy(_ errno: Int32) -> String {
        switch errno {
        case ENOENT: "there is no such file"
        case EISDIR: "it is a directory: give the file that --record wrote"
        case EACCES: "it may be read by its owner only: use sudo, or change its mode"
        default: "check where it is"
        }
    }
}
