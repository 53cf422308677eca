import PortModel

/// Makes the cookies of the sockets that exist, for kernels in which the snapshot cannot.
enum SocketCookies {
    /// Asks sock_diag for the TCP sockets of this network namespace: it numbers what it tells of, and
    /// what it tells is of no interest here.
    static func make() throws(ProbeError) {
        let connections = SocketDump.States.all.subtracting([
            SocketDump.States(.listen), SocketDump.States(.newSynReceived),
        ])
        try SocketDump.each(in: connections, restart: {}, { _ in })
    }
}
