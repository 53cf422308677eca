import CPortgauge
import Glibc
import Synchronization

/// Owns a mapping of a data section of the BPF program, shared with it while it runs.
@safe struct MappedSection: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let size: Int

    /// - Parameter descriptor: of the section's map, which is mappable.
    init(descriptor: Int32, size: Int) throws(ProbeError) {
        guard
            let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else {
            throw ProbeError("map probe data", errno: errno, remedy: hookRemedy)
        }
        unsafe self.base = base
        self.size = size
    }

    deinit { unsafe munmap(base, size) }

    func zero() { unsafe memset(base, 0, size) }

    /// The 64-bit word at `offset`, which is within the section and a multiple of 8.
    func load(at offset: Int) -> UInt64 { unsafe word(offset).pointee.load(ordering: .acquiring) }

    func store(_ value: UInt64, at offset: Int) {
        unsafe word(offset).pointee.store(value, ordering: .sequentiallyConsistent)
    }

    private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        // An Atomic<UInt64> is laid out as a UInt64, and the mapping is page-aligned.
        precondition(offset >= 0 && offset + 8 <= size && offset % 8 == 0)
        return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
