import PortModel

/// The row that is selected, and the first one on the screen. The selection stays with its tuple
/// when the order changes; while nothing is selected, the list stays at its beginning.
struct TopSelection: Sendable {
    enum Move: Hashable, Sendable {
        case by(Int)
        case byPage(Int)
        case first, last
    }

    var scope: PortScope?
    /// Its last place, counted from the first row.
    private(set) var place = 0
    /// The first row on the screen.
    var top = 0
    /// Moves to be made with the next frame, which knows the rows.
    var moves: [Move] = []
    /// The row that is selected next is to be expanded as well.
    var expandsNext = false

    /// Makes the moves, and returns the place of the selection; nil without one. `current`: where the
    /// selected row is now, nil if it is gone; `page`: rows on the screen.
    mutating func settle(at current: Int?, of count: Int, page: Int) -> Int? {
        defer { moves = [] }
        guard count > 0 else {
            top = 0
            return nil
        }
        var place: Int? = scope == nil ? nil : current ?? self.place
        for move in moves {
            switch move {
            // The first step selects the first row.
            case .by(let step): place = place.map { $0 + step } ?? (step > 0 ? 0 : count - 1)
            case .byPage(let step): place = (place ?? 0) + step * max(1, page - 1)
            case .first: place = 0
            case .last: place = count - 1
            }
            place = place.map { min(max(0, $0), count - 1) }
        }
        guard let place = place.map({ min(max(0, $0), count - 1) }) else {
            top = 0
            return nil
        }
        top = min(max(top, place - max(1, page) + 1), place)
        top = max(0, min(top, count - page))
        self.place = place
        return place
    }
}
