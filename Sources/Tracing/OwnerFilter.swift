import LinuxSystem
import PortModel
import Probe

/// Filters a snapshot by process: the kernel names owners between its two rounds, not with the socket.
struct OwnerFilter {
    private let filter: Probe.Filter
    /// The processes of the command, if only they count.
    private let command: Set<UInt32>?
    private var owners: [UInt64: ProcessID] = [:]

    init(_ filter: Probe.Filter, command: Set<UInt32> = []) {
        self.filter = filter
        self.command = filter.isOnlyCommand ? command : nil
    }

    /// The record with all that is known, or nil if it is not to be counted.
    ///
    /// - Parameter isKnown: whether a socket is counted already.
    mutating func admit(_ record: Record, isKnown: (UInt64) -> Bool) -> Record? {
        guard filter.isByProcess else { return record }
        switch record {
        case .owner(let socket, _, let process):
            if filter.admits(process), command?.contains(process.pid) ?? true {
                owners[socket] = process
            }
            return nil
        case .exists(var connection, let state):
            if isKnown(connection.socket) || isKnown(connection.cookie) { return record }
            guard let owner = owners[connection.socket] else { return nil }
            connection.process = owner
            return .exists(connection, state: state)
        default: return record
        }
    }
}
