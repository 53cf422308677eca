import BPF
import CPortgauge
import Glibc
import LinuxSystem
import PortModel

/// The hooks in the kernel and the ring they write to: everything is gone when this is.
package struct Probe: ~Copyable {
    let object: BPFObject
    private let returns: ReturnHooks
    private let tree: ProcessTree
    let ring: RingReader
    let ringBytes: Int
    private let shared: SharedSection<pg_shared>
    private let cpus: SharedSection<pg_cpu>
    let bindTable: SharedSection<pg_bind_table>
    let home: NetworkNamespaces.Home
    let links: [BPFProgram: BPFLink]
    let kernel: KernelVersion

    /// Hooks that this kernel needs, in force or refused.
    package let hooks: [Hook]
    /// Records that were none: of a wrong size or an unknown kind.
    package internal(set) var malformed = 0

    /// Loads only what looks at the kernel's tables: nothing is followed.
    package init(lookingFor filter: Filter) throws(SystemError) {
        try self.init(filter: filter, ringBytes: 1 << 22, follows: false, systemCalls: false)
    }

    /// Loads and attaches the hooks. From then on no connect() is missed.
    ///
    /// - Parameter ringBytes: a power of two, and a multiple of the page size.
    /// - Parameter follows: attaches the hooks as well; else see `init(lookingFor:)`.
    /// - Parameter systemCalls: where trampolines are refused, slow down every system call a little
    ///   for the sake of what connect() and bind() return.
    /// - Parameter command: a process that has not forked yet, whose descendants are to be known.
    package init(
        filter: Filter, ringBytes: UInt32, follows: Bool = true, systemCalls: Bool = true,
        command: UInt32? = nil
    ) throws(SystemError) {
        if let refusal = TypeInformation.refusal {
            throw SystemError(
                "read \(TypeInformation.path)", errno: refusal,
                remedy: "the kernel must have BTF, as Debian's have since Debian 11")
        }
        // A function's address tells TIME_WAITs from other timers: libbpf takes one that is hidden for
        // 0, and nothing would ever match.
        if follows { try KernelSymbols.require() }
        let kernel = KernelVersion(release: Host().kernel)
        var config = pg_config(filter)
        config.copies = UInt32(kernel.copies)
        var hooks = Hook.all(for: kernel, follows: follows, command: command != nil)
        let object = try Self.load(
            hooks, config, ringBytes, processes: command == nil ? 1 : ProcessTree.limit)
        let tree = ProcessTree(descriptor: try object.descriptor(of: .tree))
        if let command { try tree.enter(command) }
        let ring = try RingReader(object)
        let shared = try SharedSection<pg_shared>(.shared, of: object)
        let cpus = try SharedSection<pg_cpu>(.cpus, of: object, count: Int(PG_CPUS))
        let bindTable = try SharedSection<pg_bind_table>(.bindTable, of: object)
        let home = try NetworkNamespaces.Home()
        let returns = try ReturnHooks(
            beside: object, config: config, kernel, follows: follows, systemCalls: systemCalls)
        let links = try Self.attach(&hooks, of: object)
        self.hooks = hooks + returns.hooks
        self.object = object
        self.tree = tree
        self.links = links
        self.kernel = kernel
        self.returns = returns
        self.bindTable = bindTable
        self.ring = ring
        self.shared = shared
        self.cpus = cpus
        self.home = home
        self.ringBytes = Int(ringBytes)
    }

    private static func load(
        _ hooks: [Hook], _ config: pg_config, _ ringBytes: UInt32, processes: UInt32
    ) throws(SystemError) -> BPFObject {
        let superfluous = Hook.superfluous(among: hooks)
        func open(without programs: [BPFProgram]) throws(SystemError) -> BPFObject {
            let object = try BPFObject(PG_OBJECT_HOOKS)
            for program in programs { object.leaveOut(program) }
            try object.set(maxEntries: ringBytes, of: .ring)
            try object.set(maxEntries: processes, of: .tree)
            try object.set(.config, to: config)
            return object
        }
        let whole = try open(without: superfluous)
        do throws(SystemError) {
            try whole.load()
            return whole
        } catch {
            // One program refused, and none is loaded: try what cannot be done without.
            let core = try open(
                without: superfluous + hooks.filter { $0.loss != nil }.map(\.program))
            guard (try? core.load()) != nil else { throw loadError(error.errno) }
            return core
        }
    }

    private static func loadError(_ errno: Int32) -> SystemError {
        if errno == EPERM || errno == EACCES, geteuid() != 0 {
            return SystemError(
                "load probe", errno: errno,
                remedy: "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYSLOG")
        }
        return SystemError(
            "load probe", errno: errno,
            remedy: "portgauge needs Linux 5.10 or later, this is \(Host().kernel); libbpf says:",
            detail: libbpfText)
    }

    private static func attach(
        _ hooks: inout [Hook], of object: borrowing BPFObject
    ) throws(SystemError) -> [BPFProgram: BPFLink] {
        var links: [BPFProgram: BPFLink] = [:]
        for index in hooks.indices {
            do throws(SystemError) {
                links[hooks[index].program] = try hooks[index].attach(of: object)
            } catch {
                if hooks[index].loss == nil { throw error }
                hooks[index].refusal = error.errno
            }
        }
        return links
    }

    // MARK: What is in force

    /// Names of the places where hooks are in force, by the kernel's names, each once.
    package var attachedNames: [String] {
        var names: [String] = []
        for hook in hooks
        where hook.refusal == nil && hook.way != .onDemand && !names.contains(hook.name) {
            names.append(hook.name)
        }
        return names
    }

    /// Whether a port that a bind kept is reported when it is given back.
    package var followsBoundPorts: Bool { links[.onDestroy] != nil }

    /// Whether it sees what connect() returned, and not only that it got no port.
    package var followsReturns: Bool { returns.seesConnects }

    /// Whether the kernel's table can be held against the counts.
    package var canAudit: Bool { links[.eachItem] != nil }

    /// The processes of the command that are there: itself, and what descends from it.
    package var commandProcesses: Set<UInt32> { tree.members }

    // MARK: Reading

    /// Becomes readable, edge-triggered, when a record asks for the reader's attention.
    package var descriptor: Int32 { ring.descriptor }

    /// Records that `drain` hands over at most: a tenth of a second's work, so that a reader who is too
    /// slow for what comes in still looks at signals and the clock.
    package static let drainLimit = 1 << 16

    /// Hands over what has come since the last time, in the order in which it happened. Returns
    /// how many records that were, `drainLimit` if there may be more.
    @discardableResult
    package mutating func drain(_ body: (Record) -> Void) -> Int {
        var bad = 0
        // SAFETY: the bytes are decoded while they are lent.
        let count = unsafe ring.drain(limit: Self.drainLimit) { bytes in
            if let record = unsafe Record(bytes) { body(record) } else { bad += 1 }
        }
        malformed += bad
        return count
    }

    /// Hands over at least all that was in the ring when this was called.
    package mutating func drainAll(_ body: (Record) -> Void) {
        // The smallest record takes 40 bytes there.
        for _ in 0...(ringBytes / 40 / Self.drainLimit) where drain(body) < Self.drainLimit {
            return
        }
    }

    /// Asks the next record, whatever it is, for a wake-up. One that is being written right now may
    /// not see this: drain once more after a while before relying on it.
    package func askForWakeUp() { shared[\.sleeping] = 1 }

    /// Has those bind() calls reported whose failure is inferred: the records are in the ring then.
    ///
    /// - Returns: whether any has begun since the last time, or may still be under way. Then the next
    ///   check must not wait for a wake-up.
    package func checkAttempts() -> Bool { returns.checkAttempts() }

    /// The bind() calls that may still be under way.
    package var pendingAttempts: UInt64 { returns.pendingAttempts }

    // MARK: Counters

    /// Records the ring had no room for, since the start.
    package var lost: UInt64 { shared[\.lost] }

    /// Counts that the kernel keeps by itself, whatever becomes of the records.
    package struct Counters: Sendable {
        /// Connects begun by the processes that the filter chooses, and those of them that got no port.
        package var opened: UInt64 = 0
        package var failed: UInt64 = 0
        /// Transitions for which the first copy of the program was skipped, and how many of these a
        /// later copy has handled.
        package var skipped: UInt64 = 0
        package var caught: UInt64 = 0
        /// The most transitions that all copies can have been skipped for.
        package var doubtful: UInt64 = 0

        package init() {}

        /// Transitions that no copy may have seen: too few by those that were caught twice.
        package var missed: UInt64 { skipped > caught ? skipped - caught : 0 }
    }

    package var counters: Counters {
        var counters = Counters()
        // Those of others first: meanwhile the sums only grow.
        let others = (opened: cpus.sum(\.opened_others), failed: cpus.sum(\.failed_others))
        counters.opened = cpus.sum(\.opened) - others.opened
        counters.failed = cpus.sum(\.failed) - others.failed
        (counters.skipped, counters.caught) = (object.skipped(.onState), shared[\.caught])
        counters.doubtful =
            [BPFProgram.onState, .onState2, .onState3, .onState4].prefix(kernel.copies)
            .map { object.skipped($0) }.min() ?? 0
        return counters
    }
}
