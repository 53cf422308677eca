import PortModel

/// What is told to the person or the script that reads along.
package enum Event {
    case start(Start)
    case connection(Change)
    case failure(Failure)
    case alert(Alert)
    case tick(Tick)
    /// How a pool that bind() chooses from stands, each second in which it changes.
    case bindPool(BindPool)
    /// Records the ring had no room for, since the last time it was said.
    case lost(Int)
    /// The ledger was held against the kernel's table.
    case audit(Audit)
    case namespace(NamespaceNews)
    /// The report on exit.
    case summary(Summary)
    /// The same while tracing goes on, for recordings that break off.
    case progress(Summary)
    case snapshot(Snapshot)

    /// A namespace has its first connection, other settings than before, or is gone.
    package struct NamespaceNews: Sendable {
        package enum Kind: String, Sendable { case found, changed, gone }

        package var kind: Kind
        package var netns: UInt32
        package var namespace: Namespace

        package init(kind: Kind, netns: UInt32, namespace: Namespace) {
            self.kind = kind
            self.netns = netns
            self.namespace = namespace
        }
    }

    /// On which host, with what, and with which options a trace begins.
    package struct Start: Hashable, Sendable {
        /// Of a recording: which events and fields there are. Another number is written only if what
        /// reads this one cannot read it.
        package var format = Self.currentFormat
        package var version: String
        /// Empty if not known, as each of these.
        package var host = ""
        package var kernel: String
        /// `x86_64`, `aarch64`…
        package var machine = ""
        /// CPUs that are online; 0 if not known.
        package var cpus = 0
        /// As the user gave it.
        package var command: [String] = []
        /// The inode number of the network namespace that goes without saying in text.
        package var ownInode: UInt32?
        /// Seconds that local time is ahead of UTC.
        package var localOffset = 0
        /// The thresholds of alerts, in percent.
        package var thresholds: [Int] = []
        /// The hooks in force, by the kernel's names.
        package var hooks: [String]

        package static let currentFormat = 1

        package init(version: String, kernel: String, hooks: [String]) {
            self.version = version
            self.kernel = kernel
            self.hooks = hooks
        }
    }
}

/// What the writers cannot know by themselves, and what may change while they write.
package struct RenderContext: Sendable {
    package var timestamps: Timestamps
    /// What to call network namespaces, by their identity.
    package var namespaceNames: [UInt32: String]
    /// The identity of the namespace that goes without saying in text.
    package var ownNamespace: UInt32?
    /// `ECONNREFUSED` for its number.
    package let errnoName: @Sendable (Int32) -> String
    /// What to call a peer in text, if that is known by now; nil if addresses are to be written.
    package var hostName: (@Sendable (IPAddress) -> String?)?

    package init(
        timestamps: Timestamps, namespaceNames: [UInt32: String], ownNamespace: UInt32?,
        errnoName: @escaping @Sendable (Int32) -> String
    ) {
        self.timestamps = timestamps
        self.namespaceNames = namespaceNames
        self.ownNamespace = ownNamespace
        self.errnoName = errnoName
    }
}
