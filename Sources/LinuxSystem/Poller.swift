import CPortgauge
import Glibc

/// Owns an epoll instance: waits for several descriptors at once.
package struct Poller: ~Copyable {
    private let epoll: FileDescriptor

    package init() throws(SystemError) {
        epoll = FileDescriptor(
            owning: try check("create epoll", remedy: "raise the limit of files") {
                epoll_create1(Int32(EPOLL_CLOEXEC))
            })
    }

    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let readable = Interest(rawValue: EPOLLIN.rawValue)
        package static let writable = Interest(rawValue: EPOLLOUT.rawValue)
        /// Reported once for each time it becomes so, not for as long as it is.
        package static let edge = Interest(rawValue: EPOLLET.rawValue)
    }

    /// Watches for `interest`, and always for errors; in place of what was watched for before.
    ///
    /// - Parameter descriptor: stays open for as long as it is watched.
    package func watch(_ descriptor: Int32, for interest: Interest) throws(SystemError) {
        var event = unsafe epoll_event(
            events: interest.rawValue, data: epoll_data_t(fd: descriptor))
        // SAFETY: the kernel copies the event during the call.
        if unsafe epoll_ctl(epoll.raw, EPOLL_CTL_MOD, descriptor, &event) == 0 { return }
        try check("watch descriptor", remedy: "please report this") {
            unsafe epoll_ctl(epoll.raw, EPOLL_CTL_ADD, descriptor, &event)
        }
    }

    /// Watches no longer, if it did.
    package func forget(_ descriptor: Int32) {
        epoll_ctl(epoll.raw, EPOLL_CTL_DEL, descriptor, nil)
    }

    /// The descriptors that are ready; none when `milliseconds` (-1: no limit) have passed first.
    package func wait(milliseconds: Int32) throws(SystemError) -> [Int32] {
        // SAFETY: the kernel writes no more events than the array has, and of each returns the `fd`
        // that `watch` has put there.
        var events = unsafe [epoll_event](repeating: epoll_event(), count: 8)
        let count = try check("wait for events", remedy: "please report this") {
            let count = unsafe epoll_wait(epoll.raw, &events, Int32(events.count), milliseconds)
            // The caller's time is over sooner then; it looks at the clock anyway.
            return count < 0 && errno == EINTR ? 0 : count
        }
        return unsafe events.prefix(Int(count)).map { unsafe $0.data.fd }
    }
}
