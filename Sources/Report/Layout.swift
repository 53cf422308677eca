/// How wide text may be, and where its columns stand.
///
/// What gives way where it is narrow: first blanks, then what follows the figures goes on to a line
/// of its own, then the tuple, then tables become sentences. Nothing is cut off.
package struct Layout: Sendable {
    /// Of the terminal, at least 40; nil where nobody has said: then lines are as long as they are,
    /// which suits a file, and prose has 80.
    package let columns: Int?
    /// What tuples take in the lines of events. It grows with the longest so far, if there is room,
    /// so that what follows stays in one column.
    private(set) var tupleColumns: Int

    /// What the time and the event take before the tuple, and how full it is behind it.
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

    /// Text in whole sentences, which reads badly where it is wide.
    package var prose: Int { min(columns ?? 80, 100) }

    /// - Returns: whether a tuple of so many columns has room before the figures.
    mutating func makeRoom(forTuple width: Int) -> Bool {
        guard let columns, width > tupleColumns else { return width <= tupleColumns }
        let room = columns - Self.before - Self.fill
        // In steps of four, as addresses and ports differ by some digits.
        tupleColumns = max(tupleColumns, min((width + 3) & ~3, max(min(room, 46), room - 20)))
        return width <= tupleColumns
    }

    /// Lets `body` append lines, each with its newline, and breaks those that are too wide.
    ///
    /// - Parameter indent: where the rest of a line begins.
    func fold(_ line: inout TextBuffer, indent: Int, _ body: (inout TextBuffer) -> Void) {
        let start = line.bytes.count
        body(&line)
        if let columns { line.fold(since: start, width: columns, indent: indent) }
    }
}
