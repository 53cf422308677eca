import CPortgauge
import Glibc

/// Counts the BPF programs on the two tracepoints of which each costs every connection of the host
/// most, by whomever they were attached.
enum TracepointPrograms {
    static let watched = ["inet_sock_set_state", "timer_start"]

    static var count: Int {
        var count = 0
        var id: UInt32 = 0
        // SAFETY: the kernel writes `id` and nothing else.
        while unsafe bpf_link_get_next_id(id, &id) == 0 {
            let descriptor = bpf_link_get_fd_by_id(id)
            // It may be gone again.
            guard descriptor >= 0 else { continue }
            if let name = tracepoint(of: descriptor), watched.contains(name) { count += 1 }
            close(descriptor)
        }
        return count
    }

    private static func tracepoint(of link: Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { name in
            // SAFETY: the kernel writes at most as much as it is told, with a NUL at the end.
            var info = bpf_link_info()
            info.raw_tracepoint.tp_name = UInt64(UInt(bitPattern: name.baseAddress))
            info.raw_tracepoint.tp_name_len = UInt32(name.count)
            var size = UInt32(MemoryLayout<bpf_link_info>.size)
            guard unsafe bpf_obj_get_info_by_fd(link, &info, &size) == 0,
                info.type == BPF_LINK_TYPE_RAW_TRACEPOINT.rawValue,
                let start = name.baseAddress
            else { return nil }
            return unsafe String(cString: start)
        }
    }
}
