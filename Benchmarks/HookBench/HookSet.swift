import CPortgauge
import LinuxSystem

/// Programs of one object that are loaded and can be attached, again and again.
final class HookSet {
    private let object: ObjectFile
    private(set) var programs: [ObjectFile.Program]

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
                case .trampolines: HookSet.trampolines + ["tp_btf/"]
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
        _ isWanted: (ObjectFile.Program) -> Bool = { !superfluous.contains($0.name) }
    ) throws(SystemError) {
        object = try ObjectFile(path)
        programs = []
        for program in object.programs {
            if choice.includes(program.section), isWanted(program) {
                programs.append(program)
            } else {
                try object.leaveOut(program)
            }
        }
        let copies = programs.count { $0.section.hasSuffix("/inet_sock_set_state") }
        try object.set(
            field: "copies", of: "pg_config", inSection: ".rodata.config",
            to: UInt32(max(2, copies)))
        if let main {
            let shared = main.object.maps()
            for map in object.maps() where shared.contains(map) && Self.isShared(map) {
                try object.share(map: map, with: main.object)
            }
        }
        try object.load()
    }

    /// Constants are each object's own, and so is what has no section of its own.
    private static func isShared(_ map: String) -> Bool {
        !map.hasPrefix(".rodata") && !map.hasSuffix(".bss") && !map.hasSuffix(".kconfig")
    }

    /// Its ring buffers.
    var rings: [Ring] {
        get throws(SystemError) {
            var rings: [Ring] = []
            for map in object.maps(of: BPF_MAP_TYPE_RINGBUF) {
                rings.append(try Ring(descriptor: object.descriptor(ofMap: map)))
            }
            return rings
        }
    }

    func attach(_ program: ObjectFile.Program) throws(SystemError) -> Attachment {
        try object.attach(program)
    }

    func verifiedInstructions(of program: ObjectFile.Program) throws(SystemError) -> Int? {
        try object.verifiedInstructions(of: program)
    }
}
