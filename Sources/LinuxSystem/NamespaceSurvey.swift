import Glibc
import PortModel

/// Settings and sockets of a network namespace, as they are now.
package struct NamespaceSurvey: Sendable {
    /// Leads there.
    package let found: NetworkNamespaces.Found
    /// The name that a person knows; nil if nothing names it.
    package let name: String?
    package let settings: NetworkSettings
    /// Listed by sock_diag; nil if they could not be.
    package let sockets: [KernelSocket]?

    /// Looks at the network namespace that this process is in.
    package static func own() throws(SystemError) -> NamespaceSurvey {
        let found = NetworkNamespaces.Found(
            inode: NetworkNamespaces.own ?? 0, pid: UInt32(getpid()))
        return try NamespaceSurvey(found)
    }

    /// Enters all others, one after the other, on this thread, which must be the only one.
    ///
    /// - Returns: the surveys, and how many there are that cannot be looked into.
    package static func others() throws(SystemError) -> (surveys: [NamespaceSurvey], closed: Int) {
        let home = try NetworkNamespaces.Home()
        let own = NetworkNamespaces.own
        var surveys: [NamespaceSurvey] = []
        var closed = 0
        for found in NetworkNamespaces.all() where found.inode != own {
            let visit = home.visit(found) { try? NamespaceSurvey(found) }
            if let survey = visit ?? nil {
                surveys.append(survey)
            } else if visit != nil || NetworkNamespaces.link(found.path) == found.inode {
                closed += 1
            }
        }
        return (surveys, closed)
    }

    /// Looks at the namespace that this thread is in, which `found` leads to.
    private init(_ found: NetworkNamespaces.Found) throws(SystemError) {
        self.found = found
        settings = try NetworkSettings.read()
        sockets = try? SocketDump.read().sockets
        name = NetworkNamespaces.name(of: found)
    }
}
