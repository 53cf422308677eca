import CPortgauge
import Glibc
import LinuxSystem

/// Owns the reader's end of a ring buffer of which nothing is kept.
// SAFETY: `ring` is libbpf's from `init` to `deinit`.
@safe final class Ring {
    private let ring: OpaquePointer

    /// - Parameter descriptor: of the ring buffer's map, which outlives this.
    init(descriptor: Int32) throws(SystemError) {
        let forget: ring_buffer_sample_fn = { _, _, _ in 0 }
        guard let ring = unsafe ring_buffer__new(descriptor, forget, nil, nil) else {
            throw SystemError("map ring buffer", errno: errno, remedy: "free some memory")
        }
        unsafe self.ring = ring
    }

    deinit { unsafe ring_buffer__free(ring) }

    func empty() { unsafe ring_buffer__consume(ring) }
}
