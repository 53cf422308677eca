import Events
import PortModel

extension TopView {
    /// The rows in order, as far as they are on the screen.
    struct Listing {
        struct Ranked {
            var weight: Double
            var row: Int32
        }

        /// The rows that match: in order within `window`.
        var ranked: [Ranked] = []
        var window = 0..<0
        let columns: TopColumns
        let ledger: Ledger
        let context: RenderContext

        /// Returns nil if the row has been forgotten since.
        func processes(of row: TopRow) -> Callers? {
            switch row.scope {
            case .tuple(let tuple):
                guard ledger.tuples[row.number].tuple == tuple else { return nil }
                return ledger.tuples[row.number].processes
            case .bindPool(let key): return ledger.bindPools[key]?.processes
            }
        }
    }

    /// Filters, selects, scrolls and sorts.
    mutating func list(_ size: Size, _ ledger: Ledger, _ context: RenderContext) -> Listing {
        var listing = Listing(
            columns: TopColumns(width: size.columns), ledger: frozen?.ledger ?? ledger,
            context: context)
        let all = picture.rows
        let words = filter.split(separator: UInt8(ascii: " "))
        var text = TextBuffer()
        var selected: Listing.Ranked?
        for (number, row) in all.enumerated() {
            if !words.isEmpty, !matches(row, words, listing, &text) { continue }
            let weight = order.weight(of: row)
            let ranked = Listing.Ranked(weight: isReversed ? -weight : weight, row: Int32(number))
            listing.ranked.append(ranked)
            if row.scope == selection.scope { selected = ranked }
        }
        let turns = isReversed && order == .address
        func precedes(_ a: Listing.Ranked, _ b: Listing.Ranked) -> Bool {
            if a.weight != b.weight { return a.weight > b.weight }
            let (first, second) = (all[Int(a.row)], all[Int(b.row)])
            if first.share != second.share, order != .address { return first.share > second.share }
            return turns ? second.scope < first.scope : first.scope < second.scope
        }
        let page = listHeight(size)
        let current = selected.map { row in listing.ranked.count { precedes($0, row) } }
        let place = selection.settle(at: current, of: listing.ranked.count, page: page)
        listing.window = window(of: listing, page)
        listing.ranked.sort(window: listing.window, by: precedes)
        if let place {
            let scope = all[Int(listing.ranked[place].row)].scope
            selection.scope = scope
            if selection.expandsNext { expanded.insert(scope) }
        }
        selection.expandsNext = false
        lookUpExpanded(listing)
        if let place { makeRoom(for: place, page, &listing) }
        return listing
    }

    private func window(of listing: Listing, _ page: Int) -> Range<Int> {
        let top = min(selection.top, listing.ranked.count)
        return top..<min(top + page, listing.ranked.count)
    }

    /// Looks up who holds the ports of the expanded rows.
    private mutating func lookUpExpanded(_ listing: Listing) {
        let scopes = listing.ranked[listing.window].map { picture.rows[Int($0.row)].scope }
        let tuples = scopes.filter(expanded.contains).compactMap(\.tuple)
        let missing = tuples.filter { occupants[$0] == nil }
        if !missing.isEmpty { occupants.merge(listing.ledger.holders(of: missing)) { $1 } }
    }

    /// Rows that are expanded above the selected one must not push it off the screen.
    private mutating func makeRoom(for place: Int, _ page: Int, _ listing: inout Listing) {
        func height(_ place: Int) -> Int {
            self.height(of: picture.rows[Int(listing.ranked[place].row)], listing)
        }
        var top = place
        var lines = height(place)
        while top > selection.top, lines + height(top - 1) <= page {
            lines += height(top - 1)
            top -= 1
        }
        selection.top = top
        listing.window = top..<listing.window.upperBound
    }

    // MARK: Filter

    /// Returns whether all of these words are in the row's text, that of its processes included.
    private func matches(
        _ row: TopRow, _ words: [ArraySlice<UInt8>], _ listing: Listing, _ text: inout TextBuffer
    ) -> Bool {
        text.clear()
        text += "\(row.scope, glyphs, listing.context)"
        if let callers = listing.processes(of: row) {
            for share in callers.leading { text += " \(share.process)" }
            for share in callers.names { text += " \(share.anyProcess)" }
        }
        return words.allSatisfy { text.bytes.contains(ignoringCase: $0) }
    }
}

extension [UInt8] {
    /// - Parameter word: in lower case.
    fileprivate func contains(ignoringCase word: ArraySlice<UInt8>) -> Bool {
        guard count >= word.count else { return false }
        return (0...count - word.count).contains { start in
            zip(self[start...], word).allSatisfy { $0.lowercased == $1 }
        }
    }
}
