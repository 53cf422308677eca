import BPF
import LinuxSystem

/// A program of the BPF object, and where in the kernel it runs.
package struct Hook: Sendable {
    let program: BPFProgram
    /// The place that it is attached to, by the kernel's name.
    package let name: String
    /// The use that portgauge has of it.
    package let purpose: String
    /// The part that is missing without it; nil if nothing works without it.
    package let loss: String?
    let way: Way
    /// The errno with which the kernel refused it; nil if it is in force.
    package internal(set) var refusal: Int32?

    /// How it comes into force.
    enum Way: Sendable {
        /// Attached to the place that its section in the object names.
        case attached
        case cgroup
        /// A tracepoint that is reached through tracefs.
        case tracepoint
        /// Run by the reader when it needs to know.
        case onDemand
    }

    private init(
        _ program: BPFProgram, _ name: String, _ purpose: String, _ way: Way = .attached,
        loss: String? = nil
    ) {
        (self.program, self.name, self.purpose) = (program, name, purpose)
        (self.way, self.loss) = (way, loss)
    }

    /// Brings it into force.
    ///
    /// - Returns: nil for one that is run on demand.
    func attach(of object: borrowing BPFObject) throws(SystemError) -> BPFLink? {
        switch way {
        case .attached: return try object.attach(program)
        case .cgroup: return try object.attach(program, toCgroup: ControlGroups.openRoot())
        case .tracepoint: return try object.attach(program, toTracepoint: name)
        case .onDemand:
            try object.requireLoaded(program)
            return nil
        }
    }

    /// Hooks that this kernel needs, in the order in which they are attached, which is the order in
    /// which those of one tracepoint run.
    static func all(for kernel: KernelVersion, follows: Bool, command: Bool) -> [Hook] {
        guard follows else { return looks }
        return (command ? tree.filter { $0.program != .onFork2 || kernel.preempts } : [])
            + timers + looks + (kernel.givesCookies ? [] : marks) + states.prefix(kernel.copies)
    }

    /// The timers first: a TIME_WAIT that begins in between would have no end.
    private static let timers = [
        Hook(.onTimerCancel, "timer_cancel", "a TIME_WAIT ends: expiry, reuse, reset"),
        Hook(.onTimerStart, "timer_start", "a TIME_WAIT begins"),
        Hook(
            .onDestroy, "tcp_destroy_sock", "a port that a bind kept is given back",
            loss: "a bound port is taken to be free when its connection closes"),
    ]

    private static let looks = [
        Hook(
            .eachSocket, "iter/tcp", "what exists at the start, and after a loss",
            loss: "what existed before the start is not counted, nor are losses made up for"),
        Hook(
            .eachItem, "iter/tcp", "audits: what the kernel's own table has",
            loss: "the counts are not held against the kernel's table"),
        Hook(
            .readBindTable, "bind table", "which ports a bind() holds, for all destinations",
            .onDemand, loss: "ports that a bind() holds count as usable"),
        Hook(
            .readNamespace, "settings", "the port range, also while nobody connects", .onDemand,
            loss: "a change of settings is noticed with the next connect()"),
        Hook(
            .eachFile, "iter/task_file", "which process has open what existed before",
            loss: "what existed before the start has no process"),
    ]

    private static let marks = [
        Hook(
            .markV4, "cgroup/connect4", "an IPv4 socket gets its identity before connect()",
            .cgroup),
        Hook(
            .markV6, "cgroup/connect6", "an IPv6 socket gets its identity before connect()",
            .cgroup),
    ]

    private static let states = [
        Hook(
            .onState, "inet_sock_set_state",
            "connect() begins, succeeds, fails; a connection closes"),
        Hook(
            .onState2, "inet_sock_set_state",
            "again: what the kernel skips while the first one runs"),
        Hook(.onState3, "inet_sock_set_state", "again: this kernel interrupts also the second"),
        Hook(.onState4, "inet_sock_set_state", "again: and the third"),
    ]

    private static let tree = [
        Hook(.onExit, "sched_process_exit", "a process of the command ends"),
        Hook(.onFork, "sched_process_fork", "the command starts processes"),
        Hook(.onFork2, "sched_process_fork", "again: this kernel interrupts the first"),
    ]

    /// Errors of connect() and bind() that no change of state shows, where trampolines are allowed.
    static let trampolines = [
        Hook(
            .onConnectV4, "fexit/tcp_v4_connect", "connect() fails for want of an address",
            loss: addressLoss),
        Hook(
            .onConnectV6, "fexit/tcp_v6_connect", "the same over IPv6", loss: addressLoss),
        Hook(.onGetPort, "fexit/inet_csk_get_port", "bind() finds no port", loss: bindLoss),
        Hook(
            .onBindEndV4, "fexit/__inet_bind", "bind() fails for want of an address",
            loss: bindLoss),
        Hook(.onBindEndV6, "fexit/__inet6_bind", "the same over IPv6", loss: bindLoss),
    ]

    /// The same elsewhere: while any of these is in force, every system call of the machine takes a
    /// slower path, of some 50 ns.
    static let systemCalls = [
        Hook(
            .onExitConnect, "syscalls/sys_exit_connect",
            "connect() fails for want of an address", .tracepoint, loss: addressLoss),
        Hook(
            .onExitBind, "syscalls/sys_exit_bind", "bind() finds no port, or no address",
            .tracepoint, loss: bindLoss),
    ]

    /// What a bind() passes wherever it comes from, where trampolines are refused. Successes first, or
    /// an attempt in between would be taken for a failure.
    static let attempts = [
        Hook(
            .onBoundV4, "cgroup/post_bind4", "bind() has taken a port", .cgroup, loss: attemptLoss),
        Hook(.onBoundV6, "cgroup/post_bind6", "the same over IPv6", .cgroup, loss: attemptLoss),
        Hook(
            .onBindV4, "cgroup/bind4", "bind() begins: of a 32-bit program, io_uring, MPTCP, too",
            .cgroup, loss: attemptLoss),
        Hook(.onBindV6, "cgroup/bind6", "the same over IPv6", .cgroup, loss: attemptLoss),
        Hook(
            .checkAttempt, "attempts", "whether a bind() has come back without a port", .onDemand,
            loss: attemptLoss),
    ]

    static let addressLoss =
        "a connect() that fails for want of a local address or of memory is not told apart"
    static let bindLoss = "a bind() that fails is not seen"
    private static let attemptLoss =
        "a bind() that fails in a 32-bit program, in io_uring or for MPTCP is not seen"

    /// Programs of the object that are none of `hooks`.
    static func superfluous(among hooks: [Hook]) -> [BPFProgram] {
        (tree + timers + looks + marks + states).map(\.program).filter { program in
            !hooks.contains { $0.program == program }
        }
    }
}

/// Facts of a kernel on which the hooks depend.
extension KernelVersion {
    /// Tracing programs can give a socket its cookie.
    var givesCookies: Bool { self >= KernelVersion(major: 5, minor: 12) }

    /// bpf_task_pt_regs(): what a system call was asked for can be read at its end.
    var readsRegisters: Bool { self >= KernelVersion(major: 5, minor: 15) }

    /// A tracing program can be preempted by another task, for which it is then skipped.
    var preempts: Bool { major >= 7 }

    /// Copies of the program on `inet_sock_set_state`, each of which takes what those before it were
    /// skipped for. Up to 6.x only a softirq comes in between, and one more catches all of it; from
    /// 7.0 on the programs can be preempted: with six busy threads on two CPUs a second copy caught
    /// 6,977 of 7,045, and a third the rest; on a slow one a third, too, was found preempted.
    var copies: Int { preempts ? 4 : 2 }
}
