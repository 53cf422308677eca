import BPF
import CPortgauge
import LinuxSystem

/// The hooks that see how connect() and bind() end: an object of their own, which writes to the same
/// ring. All of this is gone when this is.
struct ReturnHooks: ~Copyable {
    /// In force or refused.
    let hooks: [Hook]
    private let object: BPFObject?
    private let links: [BPFLink]
    private let attempts: BindAttempts?

    /// Whether the end of a connect() is seen.
    var seesConnects: Bool {
        hooks.contains { $0.program == .onConnectV4 || $0.program == .onExitConnect }
            && !hooks.contains { $0.refusal != nil && $0.loss == Hook.addressLoss }
    }

    /// Attaches trampolines if they are allowed, for they cost nobody else anything and see every call.
    /// Else system calls, which see most programs', and attempts to bind(), which see the others'.
    ///
    /// - Parameters:
    ///   - main: the object whose ring, counters and process tree they use.
    ///   - follows: attaches any at all.
    init(
        beside main: borrowing BPFObject, config: pg_config, _ kernel: KernelVersion,
        follows: Bool, systemCalls: Bool
    ) throws(SystemError) {
        var refused: [Hook] = []
        for hooks in Self.choices(kernel, follows: follows, systemCalls: systemCalls) {
            do throws(SystemError) {
                let object = try Self.load(hooks, beside: main, config)
                let attempts =
                    hooks.contains(Hook.attempts) ? try BindAttempts(of: object) : nil
                var links: [BPFLink] = []
                for hook in hooks {
                    if let link = try hook.attach(of: object) { links.append(link) }
                }
                self.attempts = attempts
                self.links = links
                self.object = consume object
                self.hooks = hooks + Self.missing(refused, beside: hooks)
                return
            } catch {
                refused.removeAll { hook in hooks.contains { $0.program == hook.program } }
                for var hook in hooks {
                    hook.refusal = error.errno
                    refused.append(hook)
                }
            }
        }
        object = nil
        links = []
        attempts = nil
        hooks = Self.missing(refused, beside: [])
    }

    /// The best comes first; a kernel that refuses one hook of it gets the next.
    private static func choices(
        _ kernel: KernelVersion, follows: Bool, systemCalls: Bool
    ) -> [[Hook]] {
        guard follows else { return [] }
        guard systemCalls, kernel.readsRegisters else { return [Hook.trampolines, Hook.attempts] }
        let calls = Hook.systemCalls
        return [Hook.trampolines, calls + Hook.attempts, calls, Hook.attempts]
    }

    /// Those of the refused hooks for which those in force do not stand in.
    private static func missing(_ refused: [Hook], beside hooks: [Hook]) -> [Hook] {
        if hooks.contains(Hook.systemCalls) {
            return hooks.contains(Hook.attempts)
                ? []
                : refused.filter { hook in Hook.attempts.contains { $0.program == hook.program } }
        }
        let last = refused.contains(Hook.systemCalls) ? Hook.systemCalls : Hook.trampolines
        return refused.filter { hook in
            last.contains { $0.program == hook.program }
                && !(hooks.contains(Hook.attempts) && hook.loss == Hook.bindLoss)
        }
    }

    private static func load(
        _ hooks: [Hook], beside main: borrowing BPFObject, _ config: pg_config
    ) throws(SystemError) -> BPFObject {
        let object = try BPFObject(PG_OBJECT_RETURN_VALUES)
        for hook in Hook.trampolines + Hook.systemCalls + Hook.attempts
        where !hooks.contains(where: { $0.program == hook.program }) {
            object.leaveOut(hook.program)
        }
        for map in [.ring, .tree, .shared] as [BPFMap] { try object.share(map, with: main) }
        try object.set(.config, to: config)
        if hooks.contains(Hook.attempts) {
            try object.set(maxEntries: BindAttempts.limit, of: .attempts)
        }
        try object.load()
        return object
    }

    /// Has failures reported that no hook has seen returning.
    ///
    /// - Returns: whether any bind() has begun since the last time, or may still be under way.
    func checkAttempts() -> Bool {
        switch object {
        case .some(let object): attempts?.check(by: object) ?? false
        case nil: false
        }
    }

    /// Attempts to bind() that have not come to an end as far as is known.
    var pendingAttempts: UInt64 { attempts?.count ?? 0 }
}

extension [Hook] {
    /// Whether all of `others` are among them.
    fileprivate func contains(_ others: [Hook]) -> Bool {
        others.allSatisfy { other in contains { $0.program == other.program } }
    }
}
