import CPortgauge
import Glibc

/// The processes of the command that is run, as the hooks keep them: itself, and what descends from it,
/// wherever that has gone to.
struct ProcessTree {
    /// Of the map, which the probe's object owns.
    let descriptor: Int32

    /// Processes that are there at a time.
    static let limit: UInt32 = 16_384

    /// Enters the first of them, which has not forked yet.
    ///
    /// - Parameter process: as the first pid namespace numbers it.
    func enter(_ process: UInt32) throws(ProbeError) {
        var member: UInt8 = 1
        var process = process
        let result = unsafe bpf_map_update_elem(descriptor, &process, &member, 0)
        if result != 0 {
            throw ProbeError("follow the command", errno: -result, remedy: hookRemedy)
        }
    }

    /// Those that are there. One that comes or goes meanwhile may be missing, or be there twice.
    var members: Set<UInt32> {
        var members: Set<UInt32> = []
        var process: UInt32 = 0
        var result = unsafe bpf_map_get_next_key(descriptor, nil, &process)
        // Where the last one was removed, the kernel begins anew.
        for _ in 0..<Self.limit where result == 0 {
            members.insert(process)
            var before = process
            result = unsafe bpf_map_get_next_key(descriptor, &before, &process)
        }
        return members
    }
}
