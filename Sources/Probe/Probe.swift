import CPortgauge
import Glibc
import PortModel

/// The hooks in the kernel and the ring they write to: everything is gone when this is.
package struct Probe: ~Copyable {
    let object: BPFObject
    private let returns: Returns
    private let tree: ProcessTree
    let ring: RingReader
    let capacity: Int
    private let shared: MappedSection
    private let cpus: MappedSection
    let bindTable: MappedSection
    let home: NetworkNamespaces.Home
    /// By program.
    let links: [String: BPFLink]
    let kernel: KernelVersion

    /// What this kernel needs, in force or refused.
    package let hooks: [Hook]
    /// Where hooks are in force, by the kernel's names, each once.
    package var attachedNames: [String] {
        var names: [String] = []
        for hook in hooks
        where hook.refusal == nil && hook.way != .onDemand && !names.contains(hook.name) {
            names.append(hook.name)
        }
        return names
    }
    /// Records that were none: of a wrong size or an unknown kind.
    package internal(set) var malformed = 0

    /// Loads and attaches the hooks. From then on no connect() is missed.
    ///
    /// - Parameter ringBytes: a power of two, and a multiple of the page size.
    /// - Parameter systemCalls: where trampolines are refused, slow down every system call a little
    ///   for the sake of what connect() and bind() return.
    /// - Parameter command: a process that has not forked yet, whose descendants are to be known.
    package init(
        filter: Filter, ringBytes: UInt32, systemCalls: Bool = true, command: UInt32? = nil
    ) throws(ProbeError) {
        try self.init(
            filter, ringBytes, follows: true, systemCalls: systemCalls, command: command)
    }

    /// Loads only what looks at the kernel's tables: nothing is followed.
    package init(lookingFor filter: Filter) throws(ProbeError) {
        try self.init(filter, 1 << 22, follows: false, systemCalls: false, command: nil)
    }

    private init(
        _ filter: Filter, _ ringBytes: UInt32, follows: Bool, systemCalls: Bool, command: UInt32?
    ) throws(ProbeError) {
        if let refusal = TypeInformation.refusal {
            throw ProbeError(
                "read \(TypeInformation.path)", errno: refusal,
                remedy: "the kernel must have BTF, as Debian's have since Debian 11")
        }
        if follows { try Self.requireSymbols() }
        let kernel = KernelVersion(release: Host().kernel)
        var hooks = Hook.all(for: kernel, follows: follows, command: command != nil)
        let object = try Self.load(
            hooks, kernel, filter, ringBytes, processes: command == nil ? 1 : ProcessTree.limit)
        let tree = try ProcessTree(descriptor: object.descriptor(ofMap: "tree"))
        if let command { try tree.enter(command) }
        let ring = try RingReader(descriptor: object.descriptor(ofMap: "ring"))
        let shared = try MappedSection(
            descriptor: object.descriptor(ofMap: ".data.shared"), size: MemoryLayout<pg_shared>.size
        )
        let cpus = try MappedSection(
            descriptor: object.descriptor(ofMap: ".data.cpus"),
            size: MemoryLayout<pg_cpu>.size * Int(PG_CPUS))
        let bindTable = try MappedSection(
            descriptor: object.descriptor(ofMap: ".data.bind_table"),
            size: MemoryLayout<pg_bind_table>.size)
        let home = try NetworkNamespaces.Home()
        let returns = try Returns(
            ring: object.descriptor(ofMap: "ring"),
            shared: object.descriptor(ofMap: ".data.shared"), tree: tree.descriptor,
            config: Self.config(filter, kernel), kernel, trampolines: follows,
            systemCalls: systemCalls)
        let links = try Self.attach(&hooks, of: object)
        hooks += returns.hooks
        self.object = object
        self.tree = tree
        self.returns = returns
        self.bindTable = bindTable
        self.ring = ring
        capacity = Int(ringBytes)
        self.shared = shared
        self.cpus = cpus
        self.home = home
        self.links = links
        self.kernel = kernel
        self.hooks = hooks
    }

    /// Whether a port that a bind kept is reported when it is given back.
    package var followsBoundPorts: Bool { links["on_destroy"] != nil }

    /// Whether it is told what connect() returned, and not only that it got no port.
    package var followsReturns: Bool { returns.isInForce }

    /// Whether the kernel's table can be held against the counts.
    package var canAudit: Bool { links["each_item"] != nil }

    /// The address of a function tells TIME_WAITs from other timers. Libbpf takes one that is hidden
    /// for 0, and nothing would ever match.
    private static func requireSymbols() throws(ProbeError) {
        let symbols = FileDescriptor(
            owning: try check(
                unsafe open("/proc/kallsyms", O_RDONLY | O_CLOEXEC), "read /proc/kallsyms",
                remedy: "mount /proc"))
        var text = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(symbols.raw, &text, text.count)
        let lines = text.prefix(max(0, count)).split(separator: UInt8(ascii: "\n"))
        let isHidden = lines.allSatisfy { $0.prefix(16).allSatisfy { $0 == UInt8(ascii: "0") } }
        if isHidden {
            throw ProbeError(
                "read /proc/kallsyms", errno: EPERM,
                remedy: "its addresses are hidden: run as root, or grant CAP_BPF, CAP_PERFMON and "
                    + "CAP_SYSLOG, with kernel.kptr_restrict at most 1")
        }
    }

    private static func load(
        _ hooks: [Hook], _ kernel: KernelVersion, _ filter: Filter, _ ringBytes: UInt32,
        processes: UInt32
    ) throws(ProbeError) -> BPFObject {
        let superfluous = Hook.superfluous(among: hooks)
        let whole = try BPFObject(PG_OBJECT_HOOKS)
        for program in superfluous { whole.leaveOut(program) }
        let result = try whole.load(config(filter, kernel), ringBytes, processes)
        if result == 0 { return whole }
        // One program refused, and none is loaded: try what cannot be done without.
        let core = try BPFObject(PG_OBJECT_HOOKS)
        for program in superfluous { core.leaveOut(program) }
        for hook in hooks where hook.loss != nil { core.leaveOut(hook.program) }
        guard try core.load(config(filter, kernel), ringBytes, processes) == 0 else {
            throw loadError(-result)
        }
        return core
    }

    private static func config(_ filter: Filter, _ kernel: KernelVersion) -> pg_config {
        var config = pg_config(filter)
        config.copies = UInt32(kernel.copies)
        return config
    }

    private static func attach(
        _ hooks: inout [Hook], of object: borrowing BPFObject
    ) throws(ProbeError) -> [String: BPFLink] {
        var links: [String: BPFLink] = [:]
        for index in hooks.indices {
            let program = hooks[index].program
            do throws(ProbeError) {
                switch hooks[index].way {
                case .attached: links[program] = try object.attach(program)
                case .cgroup: links[program] = try object.attach(program, toCgroup: cgroupTree())
                case .tracepoint: break
                case .onDemand: try object.requireLoaded(program)
                }
            } catch {
                if hooks[index].loss == nil { throw error }
                hooks[index].refusal = error.errno
            }
        }
        return links
    }

    /// Every process is somewhere in it. systemd mounts it at the first, or beside the older
    /// hierarchies.
    private static func cgroupTree() throws(ProbeError) -> FileDescriptor {
        var folder: Int32 = -1
        for path in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] where folder < 0 {
            if unsafe access("\(path)/cgroup.controllers", F_OK) != 0 { continue }
            folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        return FileDescriptor(
            owning: try check(
                folder, "open the cgroup tree",
                remedy: "before Linux 5.12 it must be mounted: mount -t cgroup2 none /sys/fs/cgroup"
            ))
    }

    /// The processes of the command that are there: itself, and what descends from it.
    package var commandProcesses: Set<UInt32> { tree.members }

    // MARK: Reading

    /// Becomes readable, edge-triggered, when a record asks for the reader's attention.
    package var descriptor: Int32 {
        get throws(ProbeError) { try object.descriptor(ofMap: "ring") }
    }

    /// What `drain` hands over at most: a tenth of a second's work, so that a reader who is too slow
    /// for what comes in still looks at signals and the clock.
    package static let drainLimit = 1 << 16

    /// Hands over what has come since the last time, in the order in which it happened. Returns
    /// how many records that were, `drainLimit` if there may be more.
    @discardableResult
    package mutating func drain(_ body: (Record) -> Void) -> Int {
        ring.decode(&malformed, body)
    }

    /// Hands over at least all that was in the ring when this was called.
    package mutating func drainAll(_ body: (Record) -> Void) {
        // The smallest record takes 40 bytes there.
        for _ in 0...(capacity / 40 / Self.drainLimit) where drain(body) < Self.drainLimit {
            return
        }
    }

    /// Asks the next record, whatever it is, for a wake-up. One that is being written right now may
    /// not see this: drain once more after a while before relying on it.
    package func askForWakeUp() {
        shared.store(1, at: MemoryLayout<pg_shared>.offset(of: \.sleeping)!)
    }

    /// Records the ring had no room for, since the start.
    package var lost: UInt64 { shared.load(at: MemoryLayout<pg_shared>.offset(of: \.lost)!) }

    /// What the kernel counts by itself, whatever became of the records.
    package struct Counters: Sendable {
        /// Connects begun, and those of them that got no port.
        package var opened: UInt64 = 0
        package var failed: UInt64 = 0
        /// Transitions for which the first copy of the program was skipped, and how many of these a
        /// later copy has handled.
        package var skipped: UInt64 = 0
        package var caught: UInt64 = 0

        package init(skipped: UInt64 = 0, caught: UInt64 = 0) {
            self.skipped = skipped
            self.caught = caught
        }

        /// Transitions that no copy may have seen.
        package var slipped: UInt64 { skipped > caught ? skipped - caught : 0 }
    }

    package var counters: Counters {
        var counters = Counters(
            skipped: object.skipped("on_state"),
            caught: shared.load(at: MemoryLayout<pg_shared>.offset(of: \.caught)!))
        for cpu in 0..<Int(PG_CPUS) {
            let base = cpu * MemoryLayout<pg_cpu>.size
            counters.opened += cpus.load(at: base + MemoryLayout<pg_cpu>.offset(of: \.opened)!)
            counters.failed += cpus.load(at: base + MemoryLayout<pg_cpu>.offset(of: \.failed)!)
        }
        return counters
    }
}

extension RingReader {
    /// - Parameter malformed: counts what is no record.
    @discardableResult
    borrowing func decode(_ malformed: inout Int, _ body: (Record) -> Void) -> Int {
        var bad = 0
        let count = unsafe drain(limit: Probe.drainLimit) { bytes in
            if let record = unsafe Record(bytes) { body(record) } else { bad += 1 }
        }
        malformed += bad
        return count
    }
}

extension BPFObject {
    /// Libbpf's return: 0, or a negative errno.
    fileprivate borrowing func load(
        _ config: pg_config, _ ringBytes: UInt32, _ processes: UInt32
    ) throws(ProbeError) -> Int32 {
        try set(maxEntries: ringBytes, ofMap: "ring")
        try set(maxEntries: processes, ofMap: "tree")
        try set(section: ".rodata.config", to: config)
        return load()
    }
}

private func loadError(_ errno: Int32) -> ProbeError {
    if errno == EPERM || errno == EACCES, geteuid() != 0 {
        return ProbeError(
            "load probe", errno: errno,
            remedy: "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYSLOG")
    }
    return ProbeError(
        "load probe", errno: errno,
        remedy: "portgauge needs Linux 5.10 or later, this is \(Host().kernel); libbpf says:",
        detail: unsafe String(cString: pg_libbpf_text()))
}
