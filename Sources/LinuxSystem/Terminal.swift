import Glibc

/// The terminal of standard output, or of another descriptor.
package enum Terminal {
    /// True on a terminal, unless NO_COLOR (https://no-color.org) is set or the terminal cannot.
    package static var wantsColour: Bool { wantsColour(on: STDOUT_FILENO) }

    package static func wantsColour(on descriptor: Int32) -> Bool {
        isatty(descriptor) == 1 && variable("NO_COLOR") == "" && name != "dumb"
    }

    /// Whether standard error is a terminal.
    package static var showsErrors: Bool { isatty(STDERR_FILENO) == 1 }

    /// Its kind, as TERM says; empty when nobody says.
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

    package static func width(of descriptor: Int32) -> Int? {
        if let wanted = Int(variable("COLUMNS")), wanted > 0 { return wanted }
        return size(of: descriptor).flatMap { $0.ws_col > 0 ? Int($0.ws_col) : nil }
    }

    /// Its size in characters; nil if it is no terminal.
    static func size(of descriptor: Int32) -> winsize? {
        var size = winsize()
        // SAFETY: TIOCGWINSZ writes one `winsize`.
        return unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
    }

    private static func variable(_ name: String) -> String {
        // SAFETY: nothing in this process changes its environment.
        guard let value = unsafe getenv(name) else { return "" }
        return unsafe String(cString: value)
    }
}
