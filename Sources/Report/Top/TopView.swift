import Events
import PortModel

/// The full-screen view, and how keys change it: a value that knows neither a terminal nor a clock.
/// Rows are recorded once a second; a frame sorts and formats those that are visible.
package struct TopView: Sendable {
    package struct Size: Hashable, Sendable {
        package var columns: Int
        package var rows: Int

        package init(columns: Int, rows: Int) { (self.columns, self.rows) = (columns, rows) }
    }

    let style: Style
    let glyphs: TopGlyphs
    /// The shares, in percent, from which a row is yellow, and red.
    let warning: Int
    let alarm: Int

    private var current: TopPicture
    /// While it is paused: the picture and the ledger of that moment, which share their memory with
    /// the living ones for as long as these do not change.
    private(set) var frozen: (picture: TopPicture, ledger: Ledger)?

    var order = TopOrder.share
    var isReversed = false
    var isHelpShown = false
    /// Words that a row must contain, all of them, in lower case.
    var filter: [UInt8] = []
    /// The filter as it was before, while another is typed.
    var filterBefore: [UInt8]?

    var expanded: Set<PortScope> = []
    /// The holders of the expanded tuples' ports, as far as looked up for this picture.
    var occupants: [Tuple: [ProcessID: Ledger.HeldPorts]] = [:]
    var selection = TopSelection()

    /// Without `colour` no attributes are used either, without `isUTF8` nothing but ASCII. Rows are
    /// coloured from `thresholds`, in percent. All times are CLOCK_MONOTONIC nanoseconds.
    package init(colour: Bool, isUTF8: Bool, thresholds: [Int], start: UInt64) {
        style = Style(enabled: colour)
        glyphs = TopGlyphs(isUTF8: isUTF8)
        warning = thresholds.first ?? 101
        alarm = thresholds.count > 1 ? thresholds[thresholds.count - 1] : 100
        current = TopPicture(start: start)
    }

    var isPaused: Bool { frozen != nil }
    var picture: TopPicture { frozen?.picture ?? current }

    /// Records how all stand; `ticks`: the tuples in which anything changed since the last call.
    package mutating func secondPassed(
        at now: UInt64, _ ledger: Ledger, _ ticks: [Tick], _ accuracy: Accuracy
    ) {
        current.secondPassed(at: now, ledger, ticks, accuracy)
        if !isPaused { occupants.removeAll() }
    }

    // MARK: Keys

    /// - Returns: false when the view is to end.
    package mutating func press(_ key: TopKey, _ ledger: Ledger) -> Bool {
        if key == .interrupt { return false }
        if filterBefore != nil {
            type(key)
            return true
        }
        if isHelpShown {
            // Any key leads back, `q` no further.
            isHelpShown = false
            return true
        }
        switch key {
        case .up, .character(UInt8(ascii: "k")): selection.moves.append(.by(-1))
        case .down, .character(UInt8(ascii: "j")): selection.moves.append(.by(1))
        case .pageUp: selection.moves.append(.byPage(-1))
        case .pageDown: selection.moves.append(.byPage(1))
        case .home, .character(UInt8(ascii: "g")): selection.moves.append(.first)
        case .end, .character(UInt8(ascii: "G")): selection.moves.append(.last)
        case .enter, .character(UInt8(ascii: "x")): toggle()
        case .right, .character(UInt8(ascii: "l")): expand()
        case .left: if let scope = selection.scope { expanded.remove(scope) }
        case .escape: escape()
        case .character(UInt8(ascii: " ")), .character(UInt8(ascii: "p")):
            frozen = isPaused ? nil : (current, ledger)
            occupants.removeAll()
        case .character(UInt8(ascii: "/")): filterBefore = filter
        case .character(UInt8(ascii: "<")): order = order.next(-1)
        case .character(UInt8(ascii: ">")): order = order.next(1)
        case .character(UInt8(ascii: "i")): isReversed.toggle()
        case .character(UInt8(ascii: "?")), .character(UInt8(ascii: "h")): isHelpShown = true
        case .character(UInt8(ascii: "q")): return false
        case .character(let letter):
            if let place = TopOrder.keys.firstIndex(of: letter) { order = TopOrder.allCases[place] }
        case .backspace, .clearLine, .redraw, .interrupt: break
        }
        return true
    }

    private mutating func type(_ key: TopKey) {
        switch key {
        case .character(let byte):
            if filter.count < Self.filterLimit { filter.append(byte.lowercased) }
        case .backspace: if filter.popLast() == nil { filterBefore = nil }
        case .clearLine: filter = []
        case .escape:
            filter = filterBefore ?? []
            filterBefore = nil
        case .enter: filterBefore = nil
        default: break
        }
    }

    private static let filterLimit = 200

    /// Step by step back to the whole.
    private mutating func escape() {
        if !filter.isEmpty {
            filter = []
        } else {
            selection = TopSelection()
            expanded = []
        }
    }

    private mutating func toggle() {
        guard let scope = selection.scope, expanded.remove(scope) != nil else { return expand() }
    }

    /// The first row if none is selected.
    private mutating func expand() {
        if let scope = selection.scope {
            expanded.insert(scope)
        } else {
            selection.moves.append(.first)
            selection.expandsNext = true
        }
    }
}

extension UInt8 {
    /// The ASCII letter in lower case.
    var lowercased: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
