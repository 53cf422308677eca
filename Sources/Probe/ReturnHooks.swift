import BPF
import CPortgauge
import LinuxSystem

/// The hooks that see what connect() and bind() return: an object of their own, which writes to the
/// same ring. All of this is gone when this is.
struct ReturnHooks: ~Copyable {
    /// In force or refused.
    let hooks: [Hook]
    private let object: BPFObject?
    private let links: [BPFLink]

    var isInForce: Bool { !links.isEmpty }

    /// Attaches trampolines if they are allowed, for they cost nobody else anything; else system calls.
    /// They use the ring, counters and process tree of `main`.
    init(
        beside main: borrowing BPFObject, config: pg_config, _ kernel: KernelVersion,
        trampolines: Bool, systemCalls: Bool
    ) throws(SystemError) {
        var refused = trampolines ? Hook.trampolines : []
        for hooks in [Hook.trampolines, Hook.systemCalls] {
            let isDue =
                hooks[0].way == .tracepoint ? systemCalls && kernel.readsRegisters : trampolines
            guard isDue else { continue }
            do throws(SystemError) {
                let object = try BPFObject(PG_OBJECT_RETURN_VALUES)
                for hook in Hook.trampolines + Hook.systemCalls
                where !hooks.contains(where: { $0.program == hook.program }) {
                    object.leaveOut(hook.program)
                }
                for map in [.ring, .tree, .shared] as [BPFMap] { try object.share(map, with: main) }
                try object.set(.config, to: config)
                try object.load()
                var links: [BPFLink] = []
                for hook in hooks {
                    if let link = try hook.attach(of: object) { links.append(link) }
                }
                self.links = links
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
}
