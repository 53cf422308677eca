import Glibc
import PortModel

/// Settings and sockets of a network namespace, as they are now.
package struct NamespaceSurvey: Sendable {
    /// Leads there.
    package let found: NetworkNamespaces.Found
    /// What a person calls it; nil if nothing names it.
    package let name: String?
    package let settings: NetworkSettings
    /// Nil if they could not be listed.
    package let sockets: [KernelSocket]?

    /// Of the network namespace that this process is in.
    package static func own() throws(ProbeError) -> NamespaceSurvey {
        let found = NetworkNamespaces.Found(
            inode: NetworkNamespaces.own ?? 0, pid: UInt32(getpid()))
        return try NamespaceSurvey(found)
    }

    /// Of all others, and how many there are that cannot be looked into.
    ///
    /// It enters them, one after the other, on this thread, which must be the only one.
    package static func others() throws(ProbeError) -> (surveys: [NamespaceSurvey], closed: Int) {
        let home = try NetworkNamespaces.Home()
        let own = NetworkNamespaces.own
        var surveys: [NamespaceSurvey] = []
        var closed = 0
        for found in NetworkNamespaces.all() where found.inode != own {
            var survey: NamespaceSurvey?
            let entered = home.visit(found) { survey = try? NamespaceSurvey(found) }
            if let survey {
                surveys.append(survey)
            } else if entered || NetworkNamespaces.link(found.path) == found.inode {
                closed += 1
            }
        }
        return (surveys, closed)
    }

    /// In the namespace itself.
    private init(_ found: NetworkNamespaces.Found) throws(ProbeError) {
        self.found = found
        settings = try NetworkSettings.read()
        sockets = try? SocketDump.read().sockets
        name = NetworkNamespaces.name(of: found)
    }
}

/// What the kernel must tell of its own types, for the hooks to be loaded.
package enum TypeInformation {
    package static let path = "/sys/kernel/btf/vmlinux"

    /// Why it cannot be read, as an errno; nil if it can.
    package static var refusal: Int32? {
        unsafe access(path, R_OK) == 0 ? nil : errno
    }
}
