import Glibc
import LinuxSystem
import Synchronization

/// Owns numbers in memory that the load and whoever measures it share, each in a cache line of its own.
// SAFETY: the mapping lasts from `init` to `deinit`, and is read and written atomically only.
@safe final class SharedCounters: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    /// Of the file behind it, to be handed to another process.
    let descriptor: Int32

    private static let count = 32
    private static let line = 64
    /// The number of connects that failed; all below count connections.
    static let failures = count - 1
    /// The numbers of what the threads of the server have accepted; all below count connections made.
    static let accepted = 16..<24
    static let connected = 0..<16

    /// Makes new ones, all 0, in a file that has no name any more.
    convenience init() throws(SystemError) {
        var path = Array("/tmp/portgauge-bench.XXXXXX".utf8CString)
        // SAFETY: the path ends with a NUL, and mkstemp() changes only what is in front of it.
        let own = unsafe mkstemp(&path)
        guard own >= 0, unsafe unlink(path) == 0, ftruncate(own, Self.count * Self.line) == 0 else {
            throw SystemError("make a file", errno: errno, remedy: "make /tmp writable")
        }
        try self.init(owning: own)
    }

    /// Maps those of another process.
    init(owning descriptor: Int32) throws(SystemError) {
        let size = Self.count * Self.line
        guard let base = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
            unsafe base != MAP_FAILED
        else { throw SystemError("map counters", errno: errno, remedy: "free some memory") }
        self.descriptor = descriptor
        unsafe self.base = base
    }

    deinit {
        unsafe munmap(base, Self.count * Self.line)
        close(descriptor)
    }

    subscript(number: Int) -> UInt64 { unsafe word(number).pointee.load(ordering: .relaxed) }

    func increment(_ number: Int) {
        unsafe word(number).pointee.wrappingAdd(1, ordering: .relaxed)
    }

    func sum(_ numbers: Range<Int>) -> UInt64 { numbers.reduce(0) { $0 + self[$1] } }

    private func word(_ number: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        // SAFETY: an Atomic<UInt64> is laid out as a UInt64, and the mapping is page-aligned.
        precondition((0..<Self.count).contains(number))
        return unsafe (base + number * Self.line).assumingMemoryBound(to: Atomic<UInt64>.self)
    }
}
