import Glibc

/// Holds threads back until all of them have been started, or sends them away.
@safe final class StartGate: @unchecked Sendable {
    // The mutex orders every access to the time. SAFETY: it is allocated, because it must not move, from
    // `init` to `deinit`.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var time: MonotonicTime?

    /// A closed gate; the same thread must open it.
    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_mutex_lock(mutex)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }

    /// Lets the threads go on; nil sends them away.
    func open(at time: MonotonicTime?) {
        self.time = time
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits for the gate to open and returns what it was opened with.
    func pass() -> MonotonicTime? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return time
    }
}
