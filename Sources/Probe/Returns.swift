import CPortgauge

/// The hooks that tell what connect() and bind() return: an object of their own, which writes to the
/// same ring. All of this is gone when this is.
struct Returns: ~Copyable {
    /// In force or refused.
    let hooks: [Hook]
    private let object: BPFObject?
    private let links: [BPFLink]

    var isInForce: Bool { !links.isEmpty }

    /// Trampolines if they are allowed, for they cost nobody else anything; else system calls.
    ///
    /// - Parameter ring: and `shared`, `tree`: the maps of the other object.
    init(
        ring: Int32, shared: Int32, tree: Int32, config: pg_config, _ kernel: KernelVersion,
        trampolines: Bool,
        systemCalls: Bool
    ) throws(ProbeError) {
        var refused = trampolines ? Hook.trampolines : []
        for hooks in [Hook.trampolines, Hook.systemCalls] {
            let isDue =
                hooks[0].way == .tracepoint ? systemCalls && kernel.readsRegisters : trampolines
            guard isDue else { continue }
            do throws(ProbeError) {
                let object = try BPFObject(PG_OBJECT_RETURN_VALUES)
                for hook in Hook.trampolines + Hook.systemCalls
                where !hooks.contains(where: { $0.program == hook.program }) {
                    object.leaveOut(hook.program)
                }
                links = try Self.attach(hooks, of: object, ring, shared, tree, config)
                self.object = consume object
                self.hooks = hooks
                return
            } catch {
                refused = hooks
                for index in refused.indices { refused[index].refusal = error.errno }
            }
        }
        object = nil
        links = []
        hooks = refused
    }

    private static func attach(
        _ hooks: [Hook], of object: borrowing BPFObject, _ ring: Int32, _ shared: Int32,
        _ tree: Int32, _ config: pg_config
    ) throws(ProbeError) -> [BPFLink] {
        try object.share(map: "ring", with: ring)
        try object.share(map: "tree", with: tree)
        try object.share(map: ".data.shared", with: shared)
        try object.set(section: ".rodata.config", to: config)
        let result = object.load()
        if result != 0 { throw ProbeError("load probe", errno: -result, remedy: hookRemedy) }
        var links: [BPFLink] = []
        for hook in hooks {
            links.append(
                hook.way == .tracepoint
                    ? try object.attach(hook.program, toTracepoint: hook.name)
                    : try object.attach(hook.program))
        }
        return links
    }
}
