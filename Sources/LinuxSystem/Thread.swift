import Glibc

/// A POSIX thread that gives a value back; it inherits the namespaces of the thread that starts it.
///
/// It must be joined or detached, once.
package struct Thread<Value: Sendable> {
    /// Written by the thread before it ends and read after it was joined: never at the same time.
    private final class Outcome: @unchecked Sendable {
        var value: Value?
    }

    private let identifier: pthread_t
    private let outcome = Outcome()

    /// Starts a thread that runs `body`. The other parameters are for the error if it cannot.
    package init(
        _ action: String = "pthread_create", remedy: String = "",
        _ body: @escaping @Sendable () -> Value
    ) throws(SystemError) {
        let work = ThreadWork { [outcome] in outcome.value = body() }
        var identifier = pthread_t()
        // SAFETY: the thread takes over the reference; if it cannot be started, it is released here.
        let reference = unsafe Unmanaged.passRetained(work)
        let code = unsafe pthread_create(&identifier, nil, runThreadWork, reference.toOpaque())
        guard code == 0 else {
            unsafe reference.release()
            throw SystemError(action, errno: code, remedy: remedy)
        }
        self.identifier = identifier
    }

    /// Waits until the thread has ended.
    package func join() -> Value {
        let code = pthread_join(identifier, nil)
        guard let value = outcome.value else {
            preconditionFailure("a thread joined twice: \(errnoName(code))")
        }
        return value
    }

    /// Lets it end by itself.
    package func detach() { pthread_detach(identifier) }
}

/// Work of a thread, in a form that fits through the pointer that pthread_create takes.
private final class ThreadWork {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private func runThreadWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // SAFETY: the argument is the reference that `Thread.init` retained for this call.
    unsafe Unmanaged<ThreadWork>.fromOpaque(argument!).takeRetainedValue().run()
    return nil
}
