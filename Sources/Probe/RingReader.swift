import CPortgauge
import Glibc

/// Owns the reader's end of the ring buffer. Records are lent to a closure, never kept.
@safe struct RingReader: ~Copyable {
    private typealias Body = (UnsafeRawBufferPointer) -> Void

    private let ring: OpaquePointer
    /// What libbpf calls for each record; set while `drain` runs, on one thread.
    private let body: UnsafeMutablePointer<Body?>

    /// - Parameter descriptor: of the ring buffer's map, which outlives this.
    init(descriptor: Int32) throws(ProbeError) {
        unsafe body = .allocate(capacity: 1)
        unsafe body.initialize(to: nil)
        let deliver: ring_buffer_sample_fn = { context, data, size in
            // `context` is `body`; `data` has `size` bytes, valid until this returns.
            let body = unsafe context?.assumingMemoryBound(to: Body?.self).pointee
            unsafe body?(UnsafeRawBufferPointer(start: data, count: size))
            return 0
        }
        guard let ring = unsafe ring_buffer__new(descriptor, deliver, body, nil) else {
            unsafe body.deallocate()
            throw ProbeError("map ring buffer", errno: errno, remedy: "choose a smaller ring")
        }
        unsafe self.ring = ring
    }

    deinit {
        unsafe ring_buffer__free(ring)
        unsafe body.deinitialize(count: 1)
        unsafe body.deallocate()
    }

    /// Hands over what the ring holds now, oldest first. Returns how many records there were.
    @discardableResult
    func drain(_ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        unsafe withoutActuallyEscaping(body) { body in
            unsafe self.body.pointee = unsafe body
            defer { unsafe self.body.pointee = nil }
            return unsafe Int(max(0, ring_buffer__consume(ring)))
        }
    }
}
