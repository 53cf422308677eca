import CPortgauge
import Glibc
import LinuxSystem

/// Owns the reader's end of the ring buffer. Records are lent to a closure, never kept.
// SAFETY: libbpf calls back only during `ring_buffer__consume`, so only during `drain`; `delivery` is
// allocated from `init` to `deinit`, as libbpf's `ring` is.
@safe package struct RingReader: ~Copyable {
    /// State of a `drain`, for libbpf to call for each record, and how many more it may.
    @unsafe private struct Delivery {
        var body: ((UnsafeRawBufferPointer) -> Void)?
        var left = 0
    }

    private let ring: OpaquePointer
    private let delivery: UnsafeMutablePointer<Delivery>
    /// Becomes readable, edge-triggered, when a record asks for the reader's attention. The object's.
    package let descriptor: Int32

    /// - Parameter object: is loaded, and outlives this.
    package init(_ object: borrowing BPFObject) throws(SystemError) {
        let descriptor = try object.descriptor(of: .ring)
        let delivery = UnsafeMutablePointer<Delivery>.allocate(capacity: 1)
        unsafe delivery.initialize(to: Delivery())
        let deliver: ring_buffer_sample_fn = { context, data, size in
            // SAFETY: `context` is `delivery`; `data` has `size` bytes, valid until this returns.
            guard let delivery = unsafe context?.assumingMemoryBound(to: Delivery.self) else {
                return -1
            }
            unsafe delivery.pointee.body?(UnsafeRawBufferPointer(start: data, count: size))
            unsafe delivery.pointee.left -= 1
            return unsafe delivery.pointee.left > 0 ? 0 : -1
        }
        guard let ring = unsafe ring_buffer__new(descriptor, deliver, delivery, nil) else {
            let number = errno
            unsafe delivery.deallocate()
            throw SystemError("map ring buffer", errno: number, remedy: "choose a smaller ring")
        }
        self.descriptor = descriptor
        unsafe self.delivery = unsafe delivery
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
