import LinuxSystem

/// What the load meets during a window: attached programs, or a tracer that was started.
struct Subject {
    enum Kind {
        case hooks([Hook])
        /// - Parameter start: milliseconds until it traces; nil: it does when it has written something.
        case command([String], start: UInt32?)
    }

    struct Hook {
        let set: HookSet
        let program: ObjectFile.Program
    }

    let name: String
    let kind: Kind
    /// It comes in one of so many rounds.
    var every = 1

    /// The programs that it has on the tracepoints that are watched; nil if that is not known before.
    var watched: Int? {
        guard case .hooks(let hooks) = kind else { return nil }
        return hooks.count { hook in
            TracepointPrograms.watched.contains { hook.program.section == "tp_btf/\($0)" }
        }
    }
}

/// The objects, all loaded, and what is made of them.
struct Objects {
    let sets: [HookSet]
    let empty: HookSet

    /// Loads portgauge's programs, and as many empty ones.
    ///
    /// - Parameter returnValues: the object of which this kernel may refuse the trampolines.
    init(main: String, returnValues: String, empty: String) throws(SystemError) {
        let core = try HookSet(main, .core)
        var sets = [core]
        do throws(SystemError) {
            sets.append(try HookSet(returnValues, .trampolines, sharing: core))
        } catch {
            sets.append(try HookSet(returnValues, .systemCalls, sharing: core))
        }
        try self.init(sets: sets, empty: empty)
    }

    init(sets: [HookSet], empty: String) throws(SystemError) {
        var left = sets.flatMap { $0.programs.map(\.section) }
        let isCalls = left.contains { $0.hasPrefix("tracepoint/") }
        self.empty = try HookSet(empty, isCalls ? .systemCalls : .trampolines) { program in
            guard let index = left.firstIndex(of: program.section) else { return false }
            left.remove(at: index)
            return true
        }
        self.sets = sets
        for section in left { complain("\(empty) has no program for \(section)") }
    }

    var real: [Subject.Hook] {
        sets.flatMap { set in set.programs.map { Subject.Hook(set: set, program: $0) } }
    }

    /// The ring buffers that they write to.
    var rings: [Ring] {
        get throws(SystemError) {
            var rings: [Ring] = []
            for set in sets { rings += try set.rings }
            return rings
        }
    }

    var hollow: [Subject.Hook] { empty.programs.map { Subject.Hook(set: empty, program: $0) } }

    /// One subject for each hook, in alphabetical order; what sees a call's return is one together.
    static func byHook(_ hooks: [Subject.Hook], _ suffix: String) -> [Subject] {
        let groups = Dictionary(grouping: hooks) { name(of: $0.program.section) }
        return groups.sorted { $0.key < $1.key }.map { name, hooks in
            let times = hooks.count > 1 ? " x\(hooks.count)" : ""
            return Subject(name: "\(name)\(times)\(suffix)", kind: .hooks(hooks), every: 2)
        }
    }

    private static func name(of section: String) -> String {
        if section.hasPrefix("tracepoint/") { return "system calls" }
        if section.hasPrefix("fexit/") { return "trampolines" }
        let end = section.lastIndex(of: "/").map(section.index(after:)) ?? section.startIndex
        return String(section[end...])
    }
}
