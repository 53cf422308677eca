import PortModel

extension Event {
    /// How a pool stands that bind() chooses from.
    package struct BindPoolUsage: Sendable {
        package var key: BindPool.Key
        /// Only what is held and what is usable.
        package var usage: PortUsage
        /// bind() calls that found no port, since the start.
        package var failed: Int
        /// Of which only text tells.
        package var processes = TopProcesses()

        package init(_ pool: BindPool) {
            self.init(key: pool.key, usage: pool.usage, failed: pool.failed)
            processes = pool.processes
        }

        package init(key: BindPool.Key, usage: PortUsage, failed: Int) {
            (self.key, self.usage, self.failed) = (key, usage, failed)
        }

        static let blank = BindPoolUsage(key: .blank, usage: PortUsage(usable: 0), failed: 0)

        mutating func fields(_ v: inout some FieldVisitor) {
            key.fields(&v)
            v.field("held", &usage.held, .count, PortUsage.poolHeldText)
            v.field("usable", &usage.usable, .count, PortUsage.poolUsableText)
            v.field("failed", &failed, .count, "bind() calls that found no port, since the start.")
        }
    }
}
