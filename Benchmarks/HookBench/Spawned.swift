import Glibc
import LinuxSystem

/// Owns a process that is killed with this, and with the bench.
// SAFETY: the C library writes only the variables that it is lent for a call.
@safe final class Spawned {
    let pid: pid_t
    /// Its CPU time, of all its threads.
    let clock: clockid_t
    private var isRunning = true

    /// Starts `arguments[0]`, which is looked up in the PATH.
    ///
    /// - Parameter output: where its standard output and error go.
    /// - Parameter shared: a descriptor that is its number 3.
    init(_ arguments: [String], output: Int32, shared: Int32? = nil) throws(SystemError) {
        // SAFETY: made and destroyed here; the arguments are strings of their own, freed after a copy of
        // them was taken, and end with a null pointer.
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for standard in [STDOUT_FILENO, STDERR_FILENO] {
            unsafe posix_spawn_file_actions_adddup2(&actions, output, standard)
        }
        if let shared { unsafe posix_spawn_file_actions_adddup2(&actions, shared, 3) }
        // Whatever ends this process, or its main thread, ends that one, too.
        let all = ["setpriv", "--pdeathsig", "KILL", "--"] + arguments
        var raw = unsafe all.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe raw.indices { unsafe free(raw[index]) } }
        var pid: pid_t = 0
        let result = unsafe posix_spawnp(&pid, "setpriv", &actions, nil, &raw, environ)
        guard result == 0 else {
            throw SystemError("start \(arguments[0])", errno: result, remedy: "install util-linux")
        }
        self.pid = pid
        clock = processorClock(of: pid) ?? 0
    }

    deinit { stop(SIGKILL) }

    /// Whether it has ended by itself.
    var hasEnded: Bool {
        guard isRunning else { return true }
        var status: Int32 = 0
        if unsafe waitpid(pid, &status, WNOHANG) == pid { isRunning = false }
        return !isRunning
    }

    /// Asks it to end, waits up to five seconds, and then kills it.
    func stop(_ signal: Int32 = SIGTERM) {
        guard !hasEnded else { return }
        kill(pid, signal)
        for _ in 0..<500 {
            if hasEnded { return }
            usleep(10_000)
        }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        unsafe waitpid(pid, &status, 0)
        isRunning = false
    }
}

/// The clock of the CPU time of a process; nil if it is gone.
func processorClock(of pid: pid_t) -> clockid_t? {
    var clock: clockid_t = 0
    // SAFETY: the C library writes `clock` and nothing else.
    return unsafe clock_getcpuclockid(pid, &clock) == 0 ? clock : nil
}
