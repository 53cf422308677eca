import LinuxSystem

/// How to get into each network namespace, by its inode number.
final class NamespacePlaces {
    private(set) var known: [UInt32: NetworkNamespaces.Found] = [:]
    /// When it looked last, and what that took of a CPU.
    private var lookedAt: UInt64 = 0
    private var cost: UInt64 = 0

    /// Looks through /proc.
    func look() {
        let spent = Clock.processorTime
        known = Dictionary(
            NetworkNamespaces.all().map { ($0.inode, $0) }, uniquingKeysWith: { first, _ in first })
        lookedAt = Clock.monotonic
        cost = Clock.processorTime - spent
    }

    /// Calls `body` with the place of a namespace; once more, with a new one, if it returns nil, as the
    /// old one may lead nowhere by now, or to another that was given its number.
    ///
    /// - Parameter spacing: to look for it may take one part in so many of a CPU.
    func reach<Value>(
        _ inode: UInt32, spacing: UInt64, _ body: (NetworkNamespaces.Found) -> Value?
    ) -> Value? {
        if let place = known[inode], let value = body(place) { return value }
        guard Clock.monotonic >= lookedAt + cost * spacing else { return nil }
        look()
        return known[inode].flatMap(body)
    }
}
