/// A hash table from the identities of sockets to values.
///
/// A Dictionary keeps bitmap, keys and values apart, so that each access to one of 300,000 sockets
/// misses the cache three times; here key and value lie side by side, and it misses once. And where
/// a Dictionary that grows needs half as much again for a while, this grows a segment at a time.
struct SocketTable<Value: Sendable>: Sendable {
    /// The position of a value, until something is inserted or removed.
    struct Place {
        fileprivate var segment: Int
        fileprivate var slot: Int
    }

    private var segments: ContiguousArray<Segment<Value>>
    private static var segmentBits: Int { 4 }

    /// - Parameter filler: any value, for the vacant slots.
    init(filler: Value) {
        segments = ContiguousArray(repeating: Segment(filler: filler), count: 1 << Self.segmentBits)
    }

    func find(_ identity: UInt64) -> Place? {
        let hash = Self.hash(identity)
        let segment = Self.segment(of: hash)
        guard let slot = segments[segment].find(identity, hash) else { return nil }
        return Place(segment: segment, slot: slot)
    }

    subscript(place: Place) -> Value {
        @inline(__always) get { segments[place.segment][place.slot] }
        @inline(__always) _modify { yield &segments[place.segment][place.slot] }
    }

    /// - Parameter identity: not 0, and not in the table.
    @discardableResult
    mutating func insert(_ value: Value, for identity: UInt64) -> Place {
        let hash = Self.hash(identity)
        let segment = Self.segment(of: hash)
        return Place(segment: segment, slot: segments[segment].insert(value, for: identity, hash))
    }

    mutating func remove(at place: Place) -> Value {
        segments[place.segment].remove(at: place.slot)
    }

    /// Hands over all, in no order.
    func each(_ body: (UInt64, Value) -> Void) { for segment in segments { segment.each(body) } }

    /// Visits all, in no order.
    mutating func visit(_ body: (UInt64, inout Value) -> Void) {
        for segment in segments.indices { segments[segment].visit(body) }
    }

    /// Cookies count up and addresses are multiples of a power of two: the multiplication (by
    /// 2⁶⁴ ÷ the golden ratio) spreads both over the upper bits. The lowest stay what they were, 0 in
    /// all addresses, so those in the middle choose the segment.
    fileprivate static func hash(_ identity: UInt64) -> UInt64 { identity &* 0x9e37_79b9_7f4a_7c15 }

    private static func segment(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> 24 & ((1 << UInt64(segmentBits)) - 1))
    }
}

/// Linear probing, at most three quarters full.
private struct Segment<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        /// 0: vacant.
        var identity: UInt64
        var value: Value
    }

    private var slots: ContiguousArray<Slot>
    private let vacant: Slot
    private var count = 0

    init(filler: Value) {
        vacant = Slot(identity: 0, value: filler)
        slots = ContiguousArray(repeating: vacant, count: 64)
    }

    func find(_ identity: UInt64, _ hash: UInt64) -> Int? {
        var place = home(of: hash)
        while true {
            let found = slots[place].identity
            if found == identity { return identity == 0 ? nil : place }
            if found == 0 { return nil }
            place = next(place)
        }
    }

    subscript(place: Int) -> Value {
        @inline(__always) get { slots[place].value }
        @inline(__always) _modify { yield &slots[place].value }
    }

    mutating func insert(_ value: Value, for identity: UInt64, _ hash: UInt64) -> Int {
        if (count + 1) * 4 > slots.count * 3 { grow() }
        count += 1
        return put(Slot(identity: identity, value: value), hash)
    }

    mutating func remove(at place: Int) -> Value {
        let removed = slots[place].value
        // Those that were pushed past the hole move up, as no search goes beyond a hole.
        var hole = place
        var candidate = next(hole)
        while slots[candidate].identity != 0 {
            let home = home(of: SocketTable<Value>.hash(slots[candidate].identity))
            if (candidate &- home) & mask >= (candidate &- hole) & mask {
                slots[hole] = slots[candidate]
                hole = candidate
            }
            candidate = next(candidate)
        }
        slots[hole] = vacant
        count -= 1
        return removed
    }

    func each(_ body: (UInt64, Value) -> Void) {
        for slot in slots where slot.identity != 0 { body(slot.identity, slot.value) }
    }

    mutating func visit(_ body: (UInt64, inout Value) -> Void) {
        for place in slots.indices where slots[place].identity != 0 {
            body(slots[place].identity, &slots[place].value)
        }
    }

    private var mask: Int { slots.count - 1 }

    private func next(_ place: Int) -> Int { (place + 1) & mask }

    private func home(of hash: UInt64) -> Int {
        Int(truncatingIfNeeded: hash >> UInt64(64 - slots.count.trailingZeroBitCount))
    }

    @discardableResult
    private mutating func put(_ slot: Slot, _ hash: UInt64) -> Int {
        var place = home(of: hash)
        while slots[place].identity != 0 { place = next(place) }
        slots[place] = slot
        return place
    }

    private mutating func grow() {
        let old = slots
        slots = ContiguousArray(repeating: vacant, count: old.count * 2)
        for slot in old where slot.identity != 0 {
            put(slot, SocketTable<Value>.hash(slot.identity))
        }
    }
}
