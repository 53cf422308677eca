import Events
import PortModel

/// The findings of `portgauge doctor`, whichever the form they are written in.
package struct DoctorReport: Sendable {
    /// The version of Linux.
    package var kernel: String
    /// The file with the kernel's types.
    package var typesPath = ""
    /// The errno for which it cannot be read; nil if it can.
    package var typesRefusal: String?

    package var rightsToTrace: [Right] = []
    package var rightsForNamespaces: [Right] = []
    /// The names of the rights that are kept while tracing.
    package var keptRights: [String] = []

    /// The hooks that this kernel needs, in force or refused; nil where none could be tried.
    package var hooks: [Hook]?
    /// Why portgauge cannot trace here; nil if it can. Lines after the first one are the kernel's own.
    package var refusal: String?

    /// The namespace of this process; nil if its settings cannot be read, because of `unread`.
    package var own: Namespace?
    package var unread: String?
    package var others: [Namespace] = []
    /// Network namespaces that cannot be looked into.
    package var closed = 0

    package init(kernel: String) { self.kernel = kernel }

    /// A capability.
    package struct Right: Sendable {
        let name: String
        let purpose: String
        let isHeld: Bool

        package init(_ name: String, purpose: String, isHeld: Bool) {
            (self.name, self.purpose, self.isHeld) = (name, purpose, isHeld)
        }
    }

    package struct Hook: Sendable {
        let name: String
        let purpose: String
        /// The errno for which it is not in force; nil if it is.
        let refusal: String?
        /// The loss that its absence means; nil if nothing works without it.
        let loss: String?

        package init(_ name: String, purpose: String, refusal: String?, loss: String?) {
            (self.name, self.purpose, self.refusal, self.loss) = (name, purpose, refusal, loss)
        }
    }

    /// A network namespace, and what its settings do.
    package struct Namespace: Sendable {
        /// The name that a person knows it by; nil if nothing names it.
        let name: String?
        let inode: UInt32
        /// Leads there.
        let path: String
        let settings: NetworkSettings
        /// False if its sockets could not be listed.
        let hasSockets: Bool
        let review: SettingsReview

        package init(
            name: String?, inode: UInt32, path: String, settings: NetworkSettings,
            hasSockets: Bool, review: SettingsReview
        ) {
            (self.name, self.inode, self.path) = (name, inode, path)
            (self.settings, self.hasSockets, self.review) = (settings, hasSockets, review)
        }
    }

    /// Other namespaces worth a mention: their settings are not those of this one, or hurt.
    var notable: [Namespace] {
        others.filter { other in
            var settings = other.settings
            // Whatever namespace they are of.
            settings.namespace.inode = own?.settings.namespace.inode ?? 0
            return other.review.hurts || settings != own?.settings
        }
    }
}

// MARK: - JSON

extension DoctorReport {
    package var json: JSONValue {
        let rights = (rightsToTrace + rightsForNamespaces).map { right -> JSONValue in
            ["name": .string(right.name), "held": .bool(right.isHeld)]
        }
        let hooks = (hooks ?? []).map { hook -> JSONValue in
            [
                "name": .string(hook.name), "purpose": .string(hook.purpose),
                "refusal": .optional(hook.refusal),
            ]
        }
        return [
            "kernel": .string(kernel), "can_trace": .bool(refusal == nil),
            "reason": .optional(refusal), "btf": .bool(typesRefusal == nil),
            "capabilities": .array(rights), "hooks": .array(hooks),
            "namespaces": .array(([own].compactMap { $0 } + others).map(json)),
            "namespaces_closed": .int(closed),
        ]
    }

    private func json(_ namespace: Namespace) -> JSONValue {
        let findings = namespace.review.findings.map { finding -> JSONValue in
            ["verdict": .string(finding.verdict.rawValue)] + finding.figures + [
                "text": .string(String(finding.text)),
                "commands": .array(finding.commands(namespace.review).map { .string($0) }),
            ]
        }
        return [
            "netns": .optional(namespace.name), "inode": .int(Int(namespace.inode)),
            "path": .string(namespace.path), "own": .bool(namespace.inode == own?.inode),
            "settings": namespace.settings.json, "findings": .array(findings),
        ]
    }
}

extension NetworkSettings {
    fileprivate var json: JSONValue {
        let rules = namespace.timeWait
        return [
            "ip_local_port_range": namespace.pool.range.json,
            "ip_local_reserved_ports": .string(namespace.pool.reserved.list),
            "tcp_tw_reuse": .int(Int(rules.reuse)),
            "tcp_tw_reuse_delay": .optional(hasReuseDelay ? Int(rules.reuseDelay) : nil),
            "tcp_timestamps": .bool(rules.timestamps), "tcp_max_tw_buckets": .int(Int(rules.limit)),
            "tcp_fin_timeout": .int(Int(finTimeout)),
            "tcp_tw_recycle": recycles.map { .bool($0) } ?? .null,
        ]
    }
}

extension SettingsReview.Finding {
    /// The kind of finding, and its figures.
    fileprivate var figures: JSONValue {
        switch topic {
        case .range(let range, let usable, let wider):
            [
                "finding": .string("range"), "ports": .int(range.count), "usable": .int(usable),
                "wider_range": wider.map(\.range.json) ?? .null, "gain": .optional(wider?.gain),
                "gain_percent": .optional(wider?.percent),
            ]
        case .reserved(let count, _): ["finding": .string("reserved"), "ports": .int(count)]
        case .listeners(let holders): ["finding": .string("listeners")] + json(holders)
        case .bound(let holders): ["finding": .string("bound")] + json(holders)
        case .nodePorts(let count, let process):
            ["finding": .string("node_ports"), "ports": .int(count)] + process.json
        case .notDynamic(let count): ["finding": .string("not_dynamic"), "ports": .int(count)]
        case .rate(let rate, let usable, let reuse):
            [
                "finding": .string("rate"), "per_second": .tenths(rate), "usable": .int(usable),
                "per_second_with_reuse": reuse.map { .tenths($0) } ?? .null,
            ]
        case .reuseWithoutTimestamps: ["finding": .string("reuse_without_timestamps")]
        case .reuse(_, let leftOut, _, _):
            [
                "finding": .string("reuse"), "time_waits": .int(leftOut.timeWaits),
                "connections": .int(leftOut.connections),
                "fullest": .optional(leftOut.fullest.map { String($0.plain) }),
                "fullest_time_waits": .int(leftOut.fullestCount),
            ]
        case .reuseOn: ["finding": .string("reuse_on")]
        case .finTimeout(let seconds):
            ["finding": .string("fin_timeout"), "seconds": .int(Int(seconds))]
        case .maxTimeWaits(let limit, let range, let now):
            [
                "finding": .string("max_time_waits"), "limit": .int(Int(limit)),
                "ports": .int(range), "time_waits": .optional(now),
            ]
        case .recycle: ["finding": .string("recycle")]
        }
    }

    private func json(_ holders: [SettingsReview.Holder]) -> JSONValue {
        let list = holders.map { holder -> JSONValue in
            let address = JSONValue.string(String("\(holder.address)" as TextBuffer))
            return ["address": address, "port": .int(Int(holder.port))] + holder.process.json
        }
        return ["ports": .int(Set(holders.map(\.port)).count), "holders": .array(list)]
    }
}

extension PortRange {
    fileprivate var json: JSONValue { .array([.int(Int(low)), .int(Int(high))]) }
}

extension ProcessID {
    /// An object without fields if nobody is known.
    fileprivate var json: JSONValue {
        guard self != .unknown else { return [:] }
        var bytes: [UInt8] = []
        name.forEachByte { bytes.append($0) }
        return ["pid": .int(Int(pid)), "comm": .string(String(decoding: bytes, as: UTF8.self))]
    }
}
