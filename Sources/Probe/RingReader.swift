import CPortgauge
import Glibc

/// Owns the reader's end of the ring buffer. Records are lent to a closure, never kept.
@safe package struct RingReader: ~Copyable {
    /// What libbpf calls for each record, while `drain` runs, and how many more it may.
    @unsafe private struct Delivery {
        var body: ((UnsafeRawBufferPointer) -> Void)?
        var left = 0
    }

    private let ring: OpaquePointer
    private let delivery: UnsafeMutablePointer<Delivery>

    /// - Parameter descriptor: of the ring buffer's map, which outlives this.
    package init(descriptor: Int32) throws(ProbeError) {
        unsafe delivery = .allocate(capacity: 1)
        unsafe delivery.initialize(to: Delivery())
        let deliver: ring_buffer_sample_fn = { context, data, size in
            // `context` is `delivery`; `data` has `size` bytes, valid until this returns.
            guard let delivery = unsafe context?.assumingMemoryBound(to: Delivery.self) else {
                return -1
            }
            unsafe delivery.pointee.body?(UnsafeRawBufferPointer(start: data, count: size))
            unsafe delivery.pointee.left -= 1
            return unsafe delivery.pointee.left > 0 ? 0 : -1
        }
        guard let ring = unsafe ring_buffer__new(descriptor, deliver, delivery, nil) else {
            unsafe delivery.deallocate()
            throw ProbeError("map ring buffer", errno: errno, remedy: "choose a smaller ring")
        }
        unsafe self.ring = ring
    }

    deinit {
        unsafe ring_buffer__free(ring)
        unsafe delivery.deinitialize(count: 1)
        unsafe delivery.deallocate()
    }

    /// Hands over what the ring holds, oldest first, and what comes in meanwhile, but no more than
    /// `limit` records. Returns how many there were.
    @discardableResult
    package func drain(limit: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        unsafe withoutActuallyEscaping(body) { body in
            unsafe delivery.pointee = unsafe Delivery(body: body, left: limit)
            defer { unsafe delivery.pointee.body = nil }
            unsafe ring_buffer__consume(ring)
            return unsafe limit - delivery.pointee.left
        }
    }
}
