import PortModel

/// What is told to the person or the script that reads along.
package enum Event {
    case start(Start)
    case connection(Change)
    case failure(Failure)
    case alert(Alert)
    case tick(Tick)
    /// Records the ring had no room for, since the last time it was said.
    case lost(Int)
    case summary(Summary)

    package struct Start: Sendable {
        package var version: String
        package var kernel: String
        /// The hooks in force, by the kernel's names.
        package var hooks: [String]
        package init(version: String, kernel: String, hooks: [String]) {
            self.version = version
            self.kernel = kernel
            self.hooks = hooks
        }
    }
}

/// What the writers cannot know by themselves, and what may change while they write.
package struct Surroundings: Sendable {
    package var timestamps: Timestamps
    /// Of network namespaces, by inode number.
    package var namespaceNames: [UInt32: String]
    /// The namespace that goes without saying in text.
    package var ownNamespace: UInt32?
    /// `ECONNREFUSED` for its number.
    package let errnoName: @Sendable (Int32) -> String

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
