import Glibc

/// A file, or standard input, that is read from its beginning to its end.
package struct Input: ~Copyable {
    /// Its name in an error.
    package let name: String
    private let descriptor: Int32
    private let opened: FileDescriptor?
    /// The buffer of `read`, which has filled the first `count` bytes.
    package private(set) var bytes: [UInt8]
    package private(set) var count = 0

    private static let chunk = 1 << 18

    /// - Parameter path: `-` for standard input.
    package init(_ path: String) throws(SystemError) {
        if path == "-" {
            name = "standard input"
            opened = nil
            descriptor = STDIN_FILENO
        } else {
            name = path
            let file = try FileDescriptor(
                opening: path, O_NOCTTY, to: "read", remedy: Self.remedy(errno))
            descriptor = file.raw
            opened = consume file
        }
        bytes = Array(repeating: 0, count: Self.chunk)
    }

    /// Reads on, for as long as it takes.
    ///
    /// - Returns: false at the end.
    package mutating func read() throws(SystemError) -> Bool {
        count = try check("read \(name)", remedy: Self.remedy(errno)) {
            // SAFETY: the kernel writes within the array.
            unsafe Glibc.read(descriptor, &bytes, bytes.count)
        }
        return count > 0
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
