import Glibc

/// Says something on standard error, which is for the person and none of the output.
package func complain(_ text: String) {
    guard unsafe Complaints.waiting == nil || isatty(STDERR_FILENO) == 0 else {
        unsafe Complaints.waiting?.append(text)
        return
    }
    complain(Array("portgauge: \(text)\n".utf8))
}

/// Writes to standard error, as it is.
package func complain(_ bytes: [UInt8]) {
    // SAFETY: the kernel reads within the array.
    _ = unsafe write(STDERR_FILENO, bytes, bytes.count)
}

/// Complaints wait while the terminal shows a screen.
enum Complaints {
    /// The complaints that wait; nil while none has to.
    // SAFETY: everything that complains while there is a screen is on one thread.
    nonisolated(unsafe) fileprivate static var waiting: [String]?

    static func hold() { if unsafe waiting == nil { unsafe waiting = [] } }

    static func tell() {
        let texts = unsafe waiting ?? []
        unsafe waiting = nil
        for text in texts { complain(text) }
    }
}
