import CPortgauge
import Glibc
import Probe

/// Programs of one object that are loaded and can be attached, again and again.
final class HookSet {
    private let object: BPFObject
    private(set) var programs: [BPFObject.Program]

    /// What this kernel does not need: further copies are for Linux 7, marks for 5.10, and the
    /// processes of a command are only followed where there is one.
    static let superfluous = [
        "on_state_3", "on_state_4", "mark_v4", "mark_v6", "on_fork", "on_fork_2", "on_exit",
    ]
    private static let trampolines = ["fentry/", "fexit/"]
    private static let systemCalls = ["tracepoint/"]
    private static let others = ["tp_btf/", "cgroup/"]

    /// What to load of an object.
    enum Choice {
        /// All but trampolines and system calls.
        case core
        /// Also what has no hook, or none that this kernel needs.
        case everything
        case trampolines
        case systemCalls

        fileprivate func includes(_ section: String) -> Bool {
            let prefixes =
                switch self {
                case .core: HookSet.others
                case .everything: [""]
                case .trampolines: HookSet.trampolines + HookSet.others
                case .systemCalls: HookSet.systemCalls + HookSet.others
                }
            return prefixes.contains { section.hasPrefix($0) }
        }
    }

    /// Loads programs of the object at `path` that have a hook to be attached to.
    ///
    /// - Parameter main: whose maps are to be shared.
    /// - Parameter isWanted: of those that `choice` includes.
    init(
        _ path: String, _ choice: Choice, sharing main: HookSet? = nil,
        _ isWanted: (BPFObject.Program) -> Bool = { !superfluous.contains($0.name) }
    ) throws(ProbeError) {
        object = try BPFObject(file: path)
        programs = []
        for program in object.programs {
            if choice.includes(program.section), isWanted(program) {
                programs.append(program)
            } else {
                object.leaveOut(program.name)
            }
        }
        _ = object.set(
            field: "copies", of: "pg_config", inSection: ".rodata.config",
            to: UInt32(max(2, programs.count { $0.section.hasSuffix("/inet_sock_set_state") })))
        if let main {
            let shared = main.object.maps()
            for map in object.maps() where shared.contains(map) && Self.isShared(map) {
                try object.share(map: map, with: main.object.descriptor(ofMap: map))
            }
        }
        let result = object.load()
        guard result == 0 else {
            throw ProbeError(
                "load \(path)", errno: -result, remedy: "this kernel refuses it; libbpf says:",
                detail: unsafe String(cString: pg_libbpf_text()))
        }
    }

    /// Constants are each object's own, and so is what has no section of its own.
    private static func isShared(_ map: String) -> Bool {
        !map.hasPrefix(".rodata") && !map.hasSuffix(".bss") && !map.hasSuffix(".kconfig")
    }

    /// Its ring buffers.
    var rings: [Ring] {
        get throws(ProbeError) {
            var rings: [Ring] = []
            for map in object.maps(of: BPF_MAP_TYPE_RINGBUF) {
                rings.append(try Ring(RingReader(descriptor: object.descriptor(ofMap: map))))
            }
            return rings
        }
    }

    func attach(_ program: BPFObject.Program) throws(ProbeError) -> BPFLink {
        let parts = program.section.split(separator: "/", maxSplits: 1)
        switch parts[0] {
        case "tracepoint": return try object.attach(program.name, toTracepoint: String(parts[1]))
        case "cgroup":
            let folder = FileDescriptor(
                owning: unsafe open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            return try object.attach(program.name, toCgroup: folder)
        default: return try object.attach(program.name)
        }
    }

    func verifiedInstructions(of program: BPFObject.Program) -> Int? {
        object.verifiedInstructions(of: program.name)
    }
}

/// A ring buffer of which nothing is kept.
final class Ring {
    private let reader: RingReader

    init(_ reader: consuming RingReader) { self.reader = reader }

    func empty() { while unsafe reader.drain(limit: 1 << 16, { _ in }) == 1 << 16 {} }
}
