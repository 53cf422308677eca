import Probe

/// How to get into each network namespace, by its inode number.
final class NamespacePlaces {
    private(set) var known: [UInt32: NetworkNamespaces.Found] = [:]
    /// From when on it may look again just for one that is missing.
    private var next: UInt64 = 0

    /// Looks through /proc.
    func look() {
        let began = Clock.monotonic
        known = Dictionary(
            NetworkNamespaces.all().map { ($0.inode, $0) }, uniquingKeysWith: { first, _ in first })
        let now = Clock.monotonic
        next = now + 30 * (now - began)
    }

    /// Calls `body` with the place of a namespace; once more, with a new one, if it returns nil, as the
    /// old one may lead nowhere by now, or to another that was given its number.
    func reach<Value>(_ inode: UInt32, _ body: (NetworkNamespaces.Found) -> Value?) -> Value? {
        if let place = known[inode], let value = body(place) { return value }
        guard Clock.monotonic >= next else { return nil }
        look()
        return known[inode].flatMap(body)
    }
}
