import CPortgauge
import Glibc

/// Rights that a process without root's needs, of which portgauge keeps some.
package struct Capability: Sendable {
    package let name: String
    package let purpose: String
    fileprivate let number: UInt64

    /// To load and attach the hooks.
    package static let toAttach = [
        Capability(name: "CAP_BPF", purpose: "load the hooks", number: 39),
        Capability(name: "CAP_PERFMON", purpose: "let them read what the kernel has", number: 38),
        Capability(name: "CAP_SYSLOG", purpose: "see the address of a kernel function", number: 34),
    ]

    /// To find, enter and name other network namespaces.
    package static let forNamespaces = [
        Capability(name: "CAP_SYS_ADMIN", purpose: "enter them", number: 21),
        Capability(name: "CAP_SYS_PTRACE", purpose: "see which process is in which", number: 19),
        Capability(name: "CAP_DAC_READ_SEARCH", purpose: "reach their mounts", number: 2),
    ]

    /// Kept while tracing. CAP_BPF: before Linux 5.19 every use of a hook asks for it.
    package static let whileTracing = [toAttach[0]] + forNamespaces

    /// To put a report where only somebody else may write, such as in a user's home.
    package static let toWriteAnywhere = Capability(
        name: "CAP_DAC_OVERRIDE", purpose: "write files of other users", number: 1)

    /// Whether this process has it, in force.
    package var isHeld: Bool { pg_capabilities() >> number & 1 == 1 }

    /// Gives up all others, for good: of this process, and of what it may start.
    package static func keepOnly(_ kept: [Capability]) throws(SystemError) {
        try check("give up capabilities", remedy: "please report this") {
            pg_keep_capabilities(kept.reduce(0) { $0 | 1 << $1.number })
        }
    }
}
