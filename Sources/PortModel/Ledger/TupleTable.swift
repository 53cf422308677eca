/// The states of all tuples, by their place: the same for as long as a tuple is known, and free for
/// another once it is forgotten. As a collection, in the order of the places.
package struct TupleTable: Collection, Sendable {
    private var states: ContiguousArray<TupleState> = []
    private var placeOf: [Tuple: Int] = [:]
    private var vacant: [Int] = []
    /// Places of the tuples in which anything has changed since the last tick, in the order they did.
    private var changed: [Int] = []
    /// Tuples whose namespace is gone, at most.
    private var gone = 0
    /// Totals of the tuples that were forgotten because there were too many of them.
    package private(set) var forgotten = Forgotten()
    /// When something was opened, closed or released last.
    var time: UInt64 = 0

    package struct Forgotten: Hashable, Sendable {
        package var tuples = 0
        package var totals = TupleState.Totals()
    }

    package internal(set) subscript(place: Int) -> TupleState {
        @inline(__always) _read { yield states[place] }
        @inline(__always) _modify { yield &states[place] }
    }

    func place(of tuple: Tuple) -> Int? { placeOf[tuple] }

    /// - Parameter state: of a tuple that is not in the table.
    /// - Returns: its place.
    mutating func insert(_ state: TupleState) -> Int {
        let place = vacant.popLast() ?? states.count
        if place == states.count { states.append(state) } else { states[place] = state }
        placeOf[state.tuple] = place
        return place
    }

    /// One value for each place, the vacant ones included.
    func byPlace<Value>(_ value: (TupleState) -> Value) -> [Value] { states.map(value) }

    // MARK: Collection

    package var startIndex: Int { firstPlace(from: 0) }
    package var endIndex: Int { states.count }
    package var count: Int { placeOf.count }
    package func index(after place: Int) -> Int { firstPlace(from: place + 1) }

    /// The places in use. Unlike `indices`, they hold no copy of the table, which would have the next
    /// change of a state copy all of them.
    package var places: [Int] { states.indices.filter { !states[$0].isForgotten } }

    private func firstPlace(from place: Int) -> Int {
        states[place...].firstIndex { !$0.isForgotten } ?? states.count
    }

    // MARK: Seconds

    /// Call it before anything of a tuple changes.
    mutating func touch(_ place: Int) {
        guard states[place].totalsAtLastTick == nil else { return }
        states[place].totalsAtLastTick = states[place].totals
        states[place].touchedAt = time
        changed.append(place)
    }

    mutating func takeTicks(at now: UInt64) -> [Tick] {
        defer { changed.removeAll(keepingCapacity: true) }
        return changed.compactMap { place in states[place].takeTick(at: now, place: place) }
    }

    // MARK: What is forgotten

    mutating func close(namespace netns: UInt32) {
        gone += placeOf.keys.count { $0.netns == netns }
    }

    /// Drops idle tuples if there are more than `limit`, or than `goneLimit` outside of `namespaces`.
    mutating func forgetIdle(
        keeping limit: Int, gone goneLimit: Int, in namespaces: some Collection<UInt32>
    ) {
        if gone > goneLimit {
            let existing = Set(namespaces)
            forgetIdle { !existing.contains($0.netns) }
            gone = 0
        }
        if count > limit { forgetIdle { _ in true } }
    }

    private mutating func forgetIdle(_ isDue: (Tuple) -> Bool) {
        for place in places where isDue(states[place].tuple) && states[place].isIdle {
            placeOf[states[place].tuple] = nil
            vacant.append(place)
            forgotten.tuples += 1
            forgotten.totals.opened += states[place].totals.opened
            forgotten.totals.closed += states[place].totals.closed
            states[place].isForgotten = true
        }
    }
}
