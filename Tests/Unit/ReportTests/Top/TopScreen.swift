import Testing

@testable import Report

/// A terminal of some size, as far as the live view uses one: it refuses what a real one would do
/// differently from what was meant.
struct TopScreen {
    private(set) var lines: [[Character]]
    /// Attributes that were on when a character was written, by place.
    private(set) var reversed: Set<Int> = []

    struct Mistake: Error { var what: String }

    init(_ size: TopView.Size, _ frame: [UInt8]) throws {
        lines = []
        // What was there before shows wherever nothing is written or erased.
        var grid = Array(
            repeating: Array(repeating: Character("?"), count: size.columns), count: size.rows)
        var (row, column) = (0, 0)
        var isReversed = false
        var rest = String(decoding: frame, as: UTF8.self)[...]
        while let character = rest.popFirst() {
            guard character == "\u{1b}" else {
                guard column < size.columns else { throw Mistake(what: "beyond the last column") }
                guard character.unicodeScalars.count == 1, character >= " " else {
                    throw Mistake(what: "control \(character.unicodeScalars)")
                }
                grid[row][column] = character
                if isReversed { reversed.insert(row) }
                column += 1
                continue
            }
            guard let sequence = rest.prefixMatch(of: /\[([0-9;]*)([A-Za-z])/) else {
                throw Mistake(what: "escape \(rest.prefix(10))")
            }
            rest = rest[sequence.range.upperBound...]
            switch sequence.2 {
            case "H":
                row = try #require(Int(sequence.1)) - 1
                column = 0
                guard row < size.rows else { throw Mistake(what: "below the last row") }
            case "K":
                guard column < size.columns else { throw Mistake(what: "erases the last column") }
                for place in column..<size.columns { grid[row][place] = " " }
            case "m": isReversed = sequence.1 == "7"
            default: throw Mistake(what: "escape \(sequence.0)")
            }
        }
        guard !isReversed else { throw Mistake(what: "leaves attributes on") }
        lines = grid
    }

    /// Without spaces at the end of lines, nor empty lines at the end.
    var text: String {
        var rows = lines.map { String(String($0).reversed().drop { $0 == " " }.reversed()) }
        while rows.last == "" { rows.removeLast() }
        return rows.joined(separator: "\n")
    }
}
