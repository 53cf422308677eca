import CPortgauge

/// A system call that failed, on what, and why.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    /// The name of the call, such as "connect".
    package let call: String

    /// What the call was about, such as "127.0.0.1:80"; may be empty.
    package let object: String

    /// The errno value, above 0.
    package let code: Int32

    /// The errno comes first, so that it is read before anything else can change it.
    init(_ code: Int32, _ call: String, _ object: String = "") {
        self.code = code
        self.call = call
        self.object = object
    }

    /// Such as "connect 127.0.0.1:80: ECONNREFUSED".
    package var description: String {
        let subject = object.isEmpty ? call : "\(call) \(object)"
        return "\(subject): \(Self.name(of: code))"
    }

    /// The symbol of an errno value, such as "ECONNREFUSED", else "errno N".
    package static func name(of code: Int32) -> String {
        // The table is the C library's and immortal.
        guard let name = unsafe pg_errno_name(code) else { return "errno \(code)" }
        return unsafe String(cString: name)
    }
}
