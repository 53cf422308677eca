import Glibc

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

    /// The symbol of an errno value that sockets and namespaces can give, else "errno N".
    package static func name(of code: Int32) -> String {
        switch code {
        case EPERM: "EPERM"
        case ENOENT: "ENOENT"
        case EINTR: "EINTR"
        case EIO: "EIO"
        case EBADF: "EBADF"
        case EAGAIN: "EAGAIN"
        case ENOMEM: "ENOMEM"
        case EACCES: "EACCES"
        case EFAULT: "EFAULT"
        case EINVAL: "EINVAL"
        case ENFILE: "ENFILE"
        case EMFILE: "EMFILE"
        case ENOSPC: "ENOSPC"
        case EROFS: "EROFS"
        case EPIPE: "EPIPE"
        case ENOSYS: "ENOSYS"
        case EPROTO: "EPROTO"
        case ENOTSOCK: "ENOTSOCK"
        case ENOPROTOOPT: "ENOPROTOOPT"
        case EOPNOTSUPP: "EOPNOTSUPP"
        case EAFNOSUPPORT: "EAFNOSUPPORT"
        case EADDRINUSE: "EADDRINUSE"
        case EADDRNOTAVAIL: "EADDRNOTAVAIL"
        case ENETDOWN: "ENETDOWN"
        case ENETUNREACH: "ENETUNREACH"
        case ECONNABORTED: "ECONNABORTED"
        case ECONNRESET: "ECONNRESET"
        case ENOBUFS: "ENOBUFS"
        case EISCONN: "EISCONN"
        case ENOTCONN: "ENOTCONN"
        case ETIMEDOUT: "ETIMEDOUT"
        case ECONNREFUSED: "ECONNREFUSED"
        case EHOSTUNREACH: "EHOSTUNREACH"
        case EALREADY: "EALREADY"
        case EINPROGRESS: "EINPROGRESS"
        default: "errno \(code)"
        }
    }
}
