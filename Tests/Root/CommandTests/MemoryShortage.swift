import Foundation
import LoadGenerator
import Testing

/// A kernel that has no memory for what cannot wait, such as the bind bucket of a port, which connect()
/// and bind() allocate while they hold a lock.
enum MemoryShortage {
    /// Whether the machine is there for the tests alone: all of it runs short.
    static let isAllowed = ProcessInfo.processInfo.environment["PORTGAUGE_SPARE_MACHINE"] != nil

    /// Runs `body` while more memory must stay free than there is.
    ///
    /// The page allocator refuses all who cannot wait, so that an allocation fails once its slab cache
    /// has no object left. Who can wait would go on to kill processes: hence nobody else gets the CPU
    /// meanwhile, the only one, and what the process has mapped is in memory before.
    static func run<Value>(_ body: () -> Value) throws -> Value {
        try #require(ProcessInfo.processInfo.activeProcessorCount == 1)
        let path = "/proc/sys/vm/min_free_kbytes"
        let usual = try String(contentsOfFile: path, encoding: .utf8)
        // GFP_ATOMIC may go down to 3/8 of it.
        let tooMuch = "\(ProcessInfo.processInfo.physicalMemory / 1024 * 4)"
        let file = open(path, O_WRONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        try #require(mlockall(Int32(MCL_CURRENT)) == 0)
        defer { munlockall() }
        var priority = sched_param(sched_priority: 1)
        try #require(sched_setscheduler(0, SCHED_FIFO, &priority) == 0)
        let isShort = pwrite(file, tooMuch, tooMuch.utf8.count, 0) == tooMuch.utf8.count
        let value = body()
        let isOver = pwrite(file, usual, usual.utf8.count, 0) == usual.utf8.count
        priority.sched_priority = 0
        try #require(sched_setscheduler(0, SCHED_OTHER, &priority) == 0)
        try #require(isShort && isOver)
        return value
    }
}
