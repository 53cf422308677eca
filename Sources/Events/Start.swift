extension Event {
    /// On which host, with what, and with which options a trace begins.
    package struct Start: FieldList, Hashable, Sendable {
        /// Which events and fields there are; changes only if older readers cannot read them.
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
        static let blank = Start(version: "", kernel: "", hooks: [])

        package init(version: String, kernel: String, hooks: [String]) {
            (self.version, self.kernel, self.hooks) = (version, kernel, hooks)
        }

        package mutating func fields(_ v: inout some FieldVisitor) {
            v.field(
                "format", &format, .integer(1, to: Self.currentFormat),
                "Which events and fields there are; higher: unreadable for older readers.")
            v.field("version", &version, .text, "Version of portgauge.")
            v.field("host", &host, .text, unless: "", "`uname -n`. Absent when unknown.")
            v.field("kernel", &kernel, .text, "The kernel's release (`uname -r`).")
            v.field("machine", &machine, .text, unless: "", "`uname -m`. Absent when unknown.")
            v.field("cpus", &cpus, .integer(1), unless: 0, "CPUs online. Absent when unknown.")
            v.field("command", &command, .list(.anyText, of: "One argument."), "The command line.")
            v.optional(
                "netns_inode", &ownInode, .integer(1, to: Int(UInt32.max)),
                "Inode number of portgauge's own namespace. Absent when unknown.")
            v.field(
                "utc_offset_s", &localOffset, .integer(-86_400, to: 86_400),
                "Seconds that the host's local time is ahead of UTC.")
            v.field(
                "warn_at", &thresholds, .list(.integer(1, to: 100), of: "One threshold."),
                "Thresholds of alerts, in percent of the usable ports.")
            v.field("hooks", &hooks, .list(.text, of: "A hook."), "Hooks in force, by kernel name.")
        }
    }
}
