import Glibc

/// A POSIX thread that gives a value back; it inherits the namespaces of the thread that starts it.
///
/// It must be joined, once.
package struct Thread<Value: Sendable> {
    /// Written by the thread before it ends and read after it was joined: never at the same time.
    private final class Outcome: @unchecked Sendable {
        var value: Value?
    }

    private let identifier: pthread_t
    private let outcome = Outcome()

    /// Starts a thread that runs `body`.
    package init(_ body: @escaping @Sendable () -> Value) throws(SystemError) {
        let work = ThreadWork { [outcome] in outcome.value = body() }
        var identifier = pthread_t()
        // The thread takes over the reference; when it could not be started, it is released here.
        let reference = unsafe Unmanaged.passRetained(work)
        let code = unsafe pthread_create(&identifier, nil, runThreadWork, reference.toOpaque())
        guard code == 0 else {
            unsafe reference.release()
            throw SystemError(code, "pthread_create")
        }
        self.identifier = identifier
    }

    /// Waits until the thread has ended.
    package func join() -> Value {
        let code = pthread_join(identifier, nil)
        guard let value = outcome.value else {
            preconditionFailure("a thread joined twice: \(SystemError.name(of: code))")
        }
        return value
    }
}

/// What a thread runs, in a form that fits through the pointer that pthread_create takes.
private final class ThreadWork {
    let run: @Sendable () -> Void

    init(_ run: @escaping @Sendable () -> Void) {
        self.run = run
    }
}

private func runThreadWork(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    // The argument is the reference that `Thread.init` retained for this call.
    unsafe Unmanaged<ThreadWork>.fromOpaque(argument!).takeRetainedValue().run()
    return nil
}
