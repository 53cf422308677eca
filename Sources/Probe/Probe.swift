import CPortgauge
import Glibc
import PortModel

/// The hooks in the kernel and the ring they write to: everything is gone when this is.
package struct Probe: ~Copyable {
    /// Hooks that can be done without, and what is missing then.
    private static let optional = [
        "on_destroy": "a bound port is taken to be free when its connection closes",
        "each_socket": "connections that existed before the start are not counted",
        "each_file": "connections that existed before the start have no process",
    ]

    private let object: BPFObject
    private let ring: RingReader
    private let shared: MappedSection
    private let listening: MappedSection

    private let states: BPFLink
    private let timerStarts: BPFLink
    private let timerCancels: BPFLink
    private let destroyed: BPFLink?
    private let sockets: BPFLink?
    private let files: BPFLink?

    /// The hooks in force, by the kernel's names for them.
    package let hooks: [String]
    /// What this kernel refused although portgauge can do without, and what is missing for it.
    package let refused: [String]
    /// Whether a port that a bind kept is reported when it is given back.
    package let followsBoundPorts: Bool
    /// Records that were none: of a wrong size or an unknown kind.
    package private(set) var malformed = 0

    /// Loads and attaches the hooks. From then on no connect() is missed.
    ///
    /// - Parameter ringBytes: a power of two, and a multiple of the page size.
    package init(filter: Filter, ringBytes: UInt32) throws(ProbeError) {
        guard unsafe access("/sys/kernel/btf/vmlinux", R_OK) == 0 else {
            throw ProbeError(
                "read /sys/kernel/btf/vmlinux", errno: errno,
                remedy: "the kernel must have BTF, as Debian's have since Debian 11")
        }
        try Self.requireSymbols()
        let object = try Self.load(filter: filter, ringBytes: ringBytes)
        let ring = try RingReader(descriptor: object.descriptor(ofMap: "ring"))
        let shared = try MappedSection(
            descriptor: object.descriptor(ofMap: ".data.shared"), size: MemoryLayout<pg_shared>.size
        )
        let listening = try MappedSection(
            descriptor: object.descriptor(ofMap: ".data.listening"), size: 65536 / 8)

        var hooks = ["inet_sock_set_state", "timer_start", "timer_cancel"]
        var refused: [String] = []
        // The timers first: a TIME_WAIT that begins in between would have no end.
        let timerCancels = try object.attach("on_timer_cancel")
        let timerStarts = try object.attach("on_timer_start")
        let destroyed = Self.attach("on_destroy", "tcp_destroy_sock", of: object, &hooks, &refused)
        let sockets = Self.attach("each_socket", "iter/tcp", of: object, &hooks, &refused)
        let files = Self.attach("each_file", "iter/task_file", of: object, &hooks, &refused)
        let states = try object.attach("on_state")

        (self.hooks, self.refused) = (hooks, refused)
        followsBoundPorts = hooks.contains("tcp_destroy_sock")
        self.object = object
        self.ring = ring
        self.shared = shared
        self.listening = listening
        self.timerCancels = timerCancels
        self.timerStarts = timerStarts
        self.destroyed = destroyed
        self.sockets = sockets
        self.files = files
        self.states = states
    }

    /// The address of a function tells TIME_WAITs from other timers. Libbpf takes one that is hidden
    /// for 0, and nothing would ever match.
    private static func requireSymbols() throws(ProbeError) {
        let symbols = FileDescriptor(
            owning: try check(
                unsafe open("/proc/kallsyms", O_RDONLY | O_CLOEXEC), "read /proc/kallsyms",
                remedy: "mount /proc"))
        var text = [UInt8](repeating: 0, count: 4096)
        let count = unsafe read(symbols.raw, &text, text.count)
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
        filter: Filter, ringBytes: UInt32
    ) throws(ProbeError) -> BPFObject {
        let whole = try BPFObject()
        let result = try whole.load(filter: filter, ringBytes: ringBytes)
        if result == 0 { return whole }
        // One program refused, and none is loaded: try what cannot be done without.
        let core = try BPFObject()
        for program in optional.keys { core.leaveOut(program) }
        guard try core.load(filter: filter, ringBytes: ringBytes) == 0 else {
            throw loadError(-result)
        }
        return core
    }

    private static func attach(
        _ program: String, _ hook: String, of object: borrowing BPFObject,
        _ hooks: inout [String], _ refused: inout [String]
    ) -> BPFLink? {
        do throws(ProbeError) {
            let link = try object.attach(program)
            hooks.append(hook)
            return link
        } catch {
            refused.append("\(hook): \(errnoName(error.errno)): \(optional[program] ?? "")")
            return nil
        }
    }

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

    /// Asks the next record, whatever it is, for a wake-up. One that is being written right now may
    /// not see this: drain once more after a while before relying on it.
    package func askForWakeUp() {
        shared.store(1, at: MemoryLayout<pg_shared>.offset(of: \.sleeping)!)
    }

    /// Records the ring had no room for, since the start.
    package var lost: UInt64 { shared.load(at: MemoryLayout<pg_shared>.offset(of: \.lost)!) }

    /// Hands over the connections that exist in this network namespace, among what happens
    /// meanwhile: twice, because a socket that turns into a TIME_WAIT under the walk's hands may be
    /// passed over, and is marked by the first round so that the hooks see its end. In between, who
    /// has them open.
    package mutating func snapshot(_ body: (Record) -> Void) throws(ProbeError) {
        listening.zero()
        try Self.walk(sockets, ring, &malformed, body)
        try Self.walk(files, ring, &malformed, body)
        try Self.walk(sockets, ring, &malformed, body)
    }

    private static func walk(
        _ link: borrowing BPFLink?, _ ring: borrowing RingReader, _ malformed: inout Int,
        _ body: (Record) -> Void
    ) throws(ProbeError) {
        let descriptor: Int32
        switch link {
        case .some(let link): descriptor = link.descriptor
        case .none: return
        }
        let iterator = FileDescriptor(
            owning: try check(
                bpf_iter_create(descriptor), "walk sockets", remedy: "run as root"))
        // A byte of output stands for a record: the ring holds far more than these.
        var steps = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe read(iterator.raw, &steps, steps.count)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            try check(Int32(count), "walk sockets", remedy: "please report this")
            ring.decode(&malformed, body)
            if count == 0 { return }
        }
    }
}

extension RingReader {
    /// - Parameter malformed: counts what is no record.
    @discardableResult
    fileprivate borrowing func decode(_ malformed: inout Int, _ body: (Record) -> Void) -> Int {
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
        filter: Probe.Filter, ringBytes: UInt32
    ) throws(ProbeError) -> Int32 {
        try set(maxEntries: ringBytes, ofMap: "ring")
        try set(section: ".rodata.config", to: pg_config(filter))
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
        remedy: "portgauge needs Linux 5.12 or later, this is \(kernelRelease()); libbpf says:",
        detail: unsafe String(cString: pg_libbpf_text()))
}
