import Glibc

/// A program of the BPF object, and where in the kernel it runs.
package struct Hook: Sendable {
    /// Its name in the object.
    let program: String
    /// What it is attached to, by the kernel's name.
    package let name: String
    /// What portgauge learns there.
    package let purpose: String
    /// What is missing without it; nil if nothing works without it.
    package let loss: String?
    /// How it comes into force.
    let way: Way
    /// Why the kernel does not have it, as an errno; nil if it is in force.
    package internal(set) var refusal: Int32?

    enum Way: Sendable {
        /// Attached to what its section in the object names.
        case attached
        case cgroup
        /// A tracepoint that is reached through tracefs.
        case tracepoint
        /// Run by the reader when it needs to know.
        case onDemand
    }

    private init(
        _ program: String, _ name: String, _ purpose: String, _ way: Way = .attached,
        loss: String? = nil
    ) {
        self.program = program
        self.name = name
        self.purpose = purpose
        self.way = way
        self.loss = loss
    }

    /// Those that this kernel needs, in the order in which they are attached, which is the order in
    /// which those of one tracepoint run.
    static func all(for kernel: KernelVersion, follows: Bool, command: Bool) -> [Hook] {
        guard follows else { return looks }
        return (command ? tree.filter { $0.program != "on_fork_2" || kernel.preempts } : [])
            + timers + looks + (kernel.givesCookies ? [] : marks) + states.prefix(kernel.copies)
    }

    /// The timers first: a TIME_WAIT that begins in between would have no end.
    private static let timers = [
        Hook("on_timer_cancel", "timer_cancel", "a TIME_WAIT ends: expiry, reuse, reset"),
        Hook("on_timer_start", "timer_start", "a TIME_WAIT begins"),
        Hook(
            "on_destroy", "tcp_destroy_sock", "a port that a bind kept is given back",
            loss: "a bound port is taken to be free when its connection closes"),
    ]

    private static let looks = [
        Hook(
            "each_socket", "iter/tcp", "what exists at the start, and after a loss",
            loss: "what existed before the start is not counted, nor are losses made up for"),
        Hook(
            "each_item", "iter/tcp", "audits: what the kernel's own table has",
            loss: "the counts are not held against the kernel's table"),
        Hook(
            "read_bind_table", "bind table", "which ports a bind() holds, for all destinations",
            .onDemand, loss: "ports that a bind() holds count as usable"),
        Hook(
            "read_namespace", "settings", "the port range, also while nobody connects", .onDemand,
            loss: "a change of settings is noticed with the next connect()"),
        Hook(
            "each_file", "iter/task_file", "which process has open what existed before",
            loss: "what existed before the start has no process"),
    ]

    private static let marks = [
        Hook(
            "mark_v4", "cgroup/connect4", "an IPv4 socket gets its identity before connect()",
            .cgroup),
        Hook(
            "mark_v6", "cgroup/connect6", "an IPv6 socket gets its identity before connect()",
            .cgroup),
    ]

    private static let states = [
        Hook(
            "on_state", "inet_sock_set_state",
            "connect() begins, succeeds, fails; a connection closes"),
        Hook(
            "on_state_2", "inet_sock_set_state",
            "again: what the kernel skips while the first one runs"),
        Hook("on_state_3", "inet_sock_set_state", "again: this kernel interrupts also the second"),
        Hook("on_state_4", "inet_sock_set_state", "again: and the third"),
    ]

    private static let tree = [
        Hook("on_exit", "sched_process_exit", "a process of the command ends"),
        Hook("on_fork", "sched_process_fork", "the command starts processes"),
        Hook("on_fork_2", "sched_process_fork", "again: this kernel interrupts the first"),
    ]

    /// What connect() and bind() return where no change of state tells, where trampolines are allowed.
    static let trampolines = [
        Hook(
            "on_connect_v4", "fexit/tcp_v4_connect", "connect() fails for want of an address",
            loss: addressLoss),
        Hook(
            "on_connect_v6", "fexit/tcp_v6_connect", "the same over IPv6", loss: addressLoss),
        Hook("on_get_port", "fexit/inet_csk_get_port", "bind() finds no port", loss: bindLoss),
    ]

    /// The same elsewhere: while any of these is in force, every system call of the machine takes a
    /// slower path, of some 50 ns.
    static let systemCalls = [
        Hook(
            "on_exit_connect", "syscalls/sys_exit_connect",
            "connect() fails for want of an address", .tracepoint, loss: addressLoss),
        Hook(
            "on_exit_bind", "syscalls/sys_exit_bind", "bind() finds no port", .tracepoint,
            loss: bindLoss),
    ]

    private static let addressLoss =
        "a connect() that fails for want of a local address or of memory is not told apart"
    private static let bindLoss = "a bind() that fails is not seen"

    /// Programs of the object that are none of `hooks`.
    static func superfluous(among hooks: [Hook]) -> [String] {
        (tree + timers + looks + marks + states).map(\.program).filter { program in
            !hooks.contains { $0.program == program }
        }
    }
}

/// Of a kernel release such as `6.18.44-cloud-amd64`, what matters here.
struct KernelVersion: Comparable {
    let major: Int
    let minor: Int

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// What cannot be read is taken for a new one.
    init(release: String) {
        let numbers = release.split(separator: ".").prefix(2).map { $0.prefix { $0.isNumber } }
        major = numbers.first.flatMap { Int($0) } ?? .max
        minor = numbers.dropFirst().first.flatMap { Int($0) } ?? 0
    }

    static func < (a: KernelVersion, b: KernelVersion) -> Bool {
        (a.major, a.minor) < (b.major, b.minor)
    }

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
