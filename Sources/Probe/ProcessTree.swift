import BPF
import CPortgauge
import LinuxSystem

/// The processes of the command that is run, as the hooks keep them: itself, and what descends from it,
/// wherever that has gone to.
struct ProcessTree {
    /// The map's, which the object owns.
    let descriptor: Int32

    /// Processes that are there at a time.
    static let limit: UInt32 = 16_384

    /// Enters the first of them, which has not forked yet, as the first pid namespace numbers it.
    func enter(_ process: UInt32) throws(SystemError) {
        var member: UInt8 = 1
        var process = process
        // SAFETY: keys of the map are UInt32 and its values UInt8.
        let result = unsafe bpf_map_update_elem(descriptor, &process, &member, 0)
        try check(libbpf: result, "follow the command")
    }

    /// The processes that are there.
    var members: Set<UInt32> { BPFObject.keys(ofMap: descriptor, limit: Self.limit) }
}
