import LinuxSystem

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
