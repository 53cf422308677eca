/// A hash table from sockets' identities to what is known of them.
///
/// A Dictionary keeps bitmap, keys and values apart, so that each access to one of 300,000 sockets
/// misses the cache three times; here key and value lie side by side, and it misses once. Linear
/// probing, at most three quarters full.
struct SocketTable<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        /// 0: vacant.
        var identity: UInt64
        var value: Value
    }

    /// Where a value lies, until something is inserted or removed.
    typealias Place = Int

    private var slots: ContiguousArray<Slot>
    private let vacant: Slot
    private(set) var count = 0

    /// - Parameter filler: any value, for the vacant slots.
    init(filler: Value) {
        vacant = Slot(identity: 0, value: filler)
        slots = ContiguousArray(repeating: vacant, count: 1024)
    }

    func find(_ identity: UInt64) -> Place? {
        var place = home(of: identity)
        while true {
            let found = slots[place].identity
            if found == identity { return identity == 0 ? nil : place }
            if found == 0 { return nil }
            place = next(place)
        }
    }

    subscript(place: Place) -> Value {
        get { slots[place].value }
        _modify { yield &slots[place].value }
    }

    /// - Parameter identity: not 0, and not in the table.
    mutating func insert(_ value: Value, for identity: UInt64) {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        var place = home(of: identity)
        while slots[place].identity != 0 { place = next(place) }
        slots[place] = Slot(identity: identity, value: value)
        count += 1
    }

    @discardableResult
    mutating func remove(at place: Place) -> (identity: UInt64, value: Value) {
        let removed = slots[place]
        // Those that were pushed past the hole move up, as no search goes beyond a hole.
        var hole = place
        var candidate = next(hole)
        while slots[candidate].identity != 0 {
            let home = home(of: slots[candidate].identity)
            if (candidate &- home) & mask >= (candidate &- hole) & mask {
                slots[hole] = slots[candidate]
                hole = candidate
            }
            candidate = next(candidate)
        }
        slots[hole] = vacant
        count -= 1
        return (removed.identity, removed.value)
    }

    private var mask: Int { slots.count - 1 }

    private func next(_ place: Place) -> Place { (place + 1) & mask }

    /// Cookies count up and addresses are multiples of a power of two: the multiplication (by
    /// 2⁶⁴ ÷ the golden ratio) spreads both over the upper bits.
    private func home(of identity: UInt64) -> Place {
        let bits = UInt64(slots.count.trailingZeroBitCount)
        return Int(truncatingIfNeeded: (identity &* 0x9e37_79b9_7f4a_7c15) >> (64 - bits))
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: vacant, count: old.count * 2)
        for slot in old where slot.identity != 0 {
            var place = home(of: slot.identity)
            while slots[place].identity != 0 { place = next(place) }
            slots[place] = slot
        }
    }
}
