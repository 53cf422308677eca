import Events

/// The width of text, and where its columns stand.
///
/// A narrow terminal first loses blanks; then the text after the figures moves to a line of its own,
/// then the tuple does, and last tables become sentences. Nothing is cut off.
package struct Layout: Sendable {
    /// Columns of the terminal, at least 40; nil if unknown: only prose is broken then, at 80.
    package let columns: Int?
    /// Columns of tuples in the lines of events. Grows with the longest so far, if there is room,
    /// so that what follows stays in one column.
    private(set) var tupleColumns: Int

    /// Columns before the tuple, for the time and the event, and behind it, for how full it is.
    private static let before = 25
    private static let fill = 15
    private static let tuple = 28...34

    /// - Parameter columns: nil if unknown; below 40, lines are broken as if it were 40.
    package init(columns: Int? = nil) {
        self.columns = columns.map { max(40, $0) }
        // Twenty for a process.
        let spare = self.columns.map { $0 - Self.before - Self.fill - 20 } ?? .max
        tupleColumns = min(max(spare, Self.tuple.lowerBound), Self.tuple.upperBound)
    }

    /// No room for a tuple and how full it is behind the time and the event.
    var isStacked: Bool {
        columns.map { $0 < Self.before + Self.tuple.lowerBound + Self.fill } ?? false
    }

    /// Columns for whole sentences, which read badly in long lines.
    package var prose: Int { min(columns ?? 80, 100) }

    /// - Returns: whether a tuple of so many columns has room before the figures.
    mutating func makeRoom(forTuple width: Int) -> Bool {
        guard let columns, width > tupleColumns else { return width <= tupleColumns }
        let room = columns - Self.before - Self.fill
        // In steps of four, as addresses and ports differ by some digits.
        tupleColumns = max(tupleColumns, min((width + 3) & ~3, max(min(room, 46), room - 20)))
        return width <= tupleColumns
    }

    /// Returns `text`, whole lines, with those broken that are too wide; they go on at `indent`.
    func folded(_ text: TextBuffer, indent: Int) -> TextBuffer {
        guard let columns else { return text }
        var folded = text
        folded.fold(since: 0, width: columns, indent: indent)
        return folded
    }
}
