/// The programs in bpf/, by their names there.
package enum BPFProgram: String, CaseIterable, Sendable {
    case onState = "on_state"
    case onState2 = "on_state_2"
    case onState3 = "on_state_3"
    case onState4 = "on_state_4"
    case onTimerStart = "on_timer_start"
    case onTimerCancel = "on_timer_cancel"
    case onDestroy = "on_destroy"
    case markV4 = "mark_v4"
    case markV6 = "mark_v6"
    case eachSocket = "each_socket"
    case eachItem = "each_item"
    case eachFile = "each_file"
    case readBindTable = "read_bind_table"
    case readNamespace = "read_namespace"
    case onFork = "on_fork"
    case onFork2 = "on_fork_2"
    case onExit = "on_exit"
    case onConnectV4 = "on_connect_v4"
    case onConnectV6 = "on_connect_v6"
    case onGetPort = "on_get_port"
    case onExitConnect = "on_exit_connect"
    case onExitBind = "on_exit_bind"
    case onBindEndV4 = "on_bind_end_v4"
    case onBindEndV6 = "on_bind_end_v6"
    case onBindV4 = "on_bind_v4"
    case onBindV6 = "on_bind_v6"
    case onBoundV4 = "on_bound_v4"
    case onBoundV6 = "on_bound_v6"
    case checkAttempt = "check_attempt"
}

/// The maps in bpf/, data sections among them.
package enum BPFMap: String, Sendable {
    case ring
    case tree
    case attempts
    /// One `pg_config`, set before load.
    case config = ".rodata.config"
    /// One `pg_shared`.
    case shared = ".data.shared"
    /// `PG_CPUS` of `pg_cpu`.
    case cpus = ".data.cpus"
    /// One `pg_attempts`.
    case attemptCounts = ".data.attempts"
    /// One `pg_bind_table`.
    case bindTable = ".data.bind_table"
}
