/// The scope within which each port can be used once: a tuple, or the pool of one local address
/// that bind() chooses from.
package enum PortScope: Hashable, Comparable, Sendable {
    case tuple(Tuple)
    case bindPool(BindPool.Key)

    private var end: BindPool.Key {
        switch self {
        case .tuple(let tuple): BindPool.Key(netns: tuple.netns, local: tuple.local)
        case .bindPool(let key): key
        }
    }

    /// The identity of its network namespace.
    package var netns: UInt32 { end.netns }

    package var local: IPAddress { end.local }

    package var tuple: Tuple? { if case .tuple(let tuple) = self { tuple } else { nil } }

    package var bindPool: BindPool.Key? { if case .bindPool(let key) = self { key } else { nil } }

    /// Tuples first, then by address: breaks all ties, so that rows keep their places.
    package static func < (a: PortScope, b: PortScope) -> Bool {
        if (a.tuple == nil) != (b.tuple == nil) { return a.tuple != nil }
        if a.netns != b.netns { return a.netns < b.netns }
        if let one = a.tuple, let other = b.tuple, one.remote != other.remote {
            return one.remote < other.remote
        }
        if a.local != b.local { return a.local < b.local }
        let (one, other) = (a.tuple?.remotePort ?? 0, b.tuple?.remotePort ?? 0)
        return one != other ? one < other : a.tuple?.device ?? 0 < b.tuple?.device ?? 0
    }
}
