import Glibc
import LinuxSystem
import LoadGenerator
import Synchronization

/// Keeps the ring buffers empty, as a reader would that has nothing to do with what it reads.
final class Reader {
    private let isOver = Flag()
    private let thread: Thread<Void>

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    /// Hands the rings over to the thread.
    private struct Rings: @unchecked Sendable {
        let rings: [Ring]
    }

    private static let pause: UInt32 = 5_000

    init(_ rings: [Ring]) throws {
        let rings = Rings(rings: rings)
        thread = try Thread { [isOver] in
            while !isOver.isSet.load(ordering: .relaxed) {
                for ring in rings.rings { ring.empty() }
                usleep(Self.pause)
            }
        }
    }

    deinit {
        isOver.isSet.store(true, ordering: .relaxed)
        thread.join()
    }
}
