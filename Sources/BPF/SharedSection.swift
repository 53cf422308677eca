import Glibc
import LinuxSystem
import Synchronization

/// Owns a mapping of a data section of an object, shared with its programs while they run: one
/// `Element` of C, or several.
// SAFETY: the mapping lasts from `init` to `deinit`, and is read and written atomically only.
@safe package struct SharedSection<Element: BitwiseCopyable>: ~Copyable {
    private let base: UnsafeMutableRawPointer
    private let size: Int

    /// - Parameter count: how many elements the section has.
    package init(
        _ map: BPFMap, of object: borrowing BPFObject, count: Int = 1
    ) throws(SystemError) {
        let descriptor = try object.descriptor(of: map)
        let size = MemoryLayout<Element>.stride * count
        guard
            let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else {
            throw SystemError("map probe data", errno: errno, remedy: hookRemedy)
        }
        unsafe self.base = base
        self.size = size
    }

    deinit { unsafe munmap(base, size) }

    /// A field of the first element.
    package subscript(field: KeyPath<Element, UInt64>) -> UInt64 {
        get { load(at: offset(of: field)) }
        nonmutating set {
            unsafe word(offset(of: field)).pointee.store(
                newValue, ordering: .sequentiallyConsistent)
        }
    }

    /// A field of all elements, added up.
    package func sum(_ field: KeyPath<Element, UInt64>) -> UInt64 {
        stride(from: offset(of: field), to: size, by: MemoryLayout<Element>.stride)
            .reduce(0) { $0 &+ load(at: $1) }
    }

    /// The 64-bit word at `offset`, which is within the section and a multiple of 8.
    package func load(at offset: Int) -> UInt64 {
        unsafe word(offset).pointee.load(ordering: .acquiring)
    }

    private func offset(of field: KeyPath<Element, UInt64>) -> Int {
        // A stored property of an imported C structure always has one.
        MemoryLayout<Element>.offset(of: field)!
    }

    private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        // SAFETY: an Atomic<UInt64> is laid out as a UInt64, and the mapping is page-aligned.
        precondition(offset >= 0 && offset + 8 <= size && offset % 8 == 0)
        return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
