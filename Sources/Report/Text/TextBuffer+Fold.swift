import Events

extension TextBuffer {
    /// Breaks the lines since the byte at `start` at spaces, where they are wider than `width` columns;
    /// the rest begins at `indent`. A tuple stays on one line if one has room for it, and a number with
    /// its unit; a word that is too long stands alone.
    package mutating func fold(since start: Int, width: Int, indent: Int) {
        guard bytes.count - start > width else { return }
        let newline = UInt8(ascii: "\n")
        let lines = bytes[start...].split(separator: newline, omittingEmptySubsequences: false)
        guard lines.contains(where: { Self.columns(of: $0) > width }) else { return }
        var folded = TextBuffer()
        for (index, line) in lines.enumerated() {
            if index > 0 { folded.append(byte: newline) }
            folded.append(line, width: width, indent: indent)
        }
        truncate(to: start)
        append(folded)
    }

    /// Breaks the last line, which has no newline yet, before the byte at `place` if it is wider than
    /// `width` columns, and what comes before is not.
    mutating func fold(at place: Int, width: Int, indent: Int) {
        let newline = UInt8(ascii: "\n")
        let start = bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
        guard place > start, columns(since: start) > width else { return }
        let rest = bytes[place...]
        let end = bytes[..<place].lastIndex { $0 != UInt8(ascii: " ") } ?? start
        guard Self.columns(of: bytes[start...end]) <= width else { return }
        truncate(to: end + 1)
        append("\n")
        append(spaces: indent)
        append(rest)
    }

    private mutating func append(_ line: ArraySlice<UInt8>, width: Int, indent: Int) {
        let words = Self.words(of: line)
        var column = 0
        for (index, word) in words.enumerated() {
            var needed = word.columns
            if !word.isBound {
                for next in words[(index + 1)...].prefix(while: \.isBound) {
                    needed += next.gap + next.columns
                }
            }
            if indent + needed > width { needed = word.columns }
            if index > 0, column + word.gap + needed > width {
                append("\n")
                append(spaces: indent)
                column = indent
            } else {
                append(spaces: word.gap)
                column += word.gap
            }
            append(word.bytes)
            column += word.columns
        }
    }

    private struct Word {
        var bytes: ArraySlice<UInt8>
        var columns: Int
        /// Spaces before it.
        var gap: Int
        /// Stays with the word before it.
        var isBound = false

        /// The arrow of a tuple, what a word like `netns` announces, and the unit of a number.
        func binds(_ next: Word) -> Bool {
            let arrow = Array("→".utf8)
            if bytes.elementsEqual(arrow) || next.bytes.elementsEqual(arrow) { return true }
            if Self.announcing.contains(where: bytes.elementsEqual) { return true }
            let unit = next.bytes.prefix { $0 == UInt8(ascii: "%") || $0 > 0x40 }
            return bytes.last.map { (0x30...0x39).contains($0) } == true
                && Self.units.contains(where: unit.elementsEqual)
        }

        private static let announcing = ["netns", "tw", "bind", "<"].map { Array($0.utf8) }
        private static let units = ["%", "µs", "ms", "s", "min", "h", "x"].map { Array($0.utf8) }
    }

    private static func words(of line: ArraySlice<UInt8>) -> [Word] {
        var words: [Word] = []
        var gap = 0
        let space = UInt8(ascii: " ")
        for bytes in line.split(separator: space, omittingEmptySubsequences: false) {
            if !bytes.isEmpty {
                var word = Word(bytes: bytes, columns: columns(of: bytes), gap: gap)
                if let last = words.last { word.isBound = last.binds(word) }
                words.append(word)
                gap = 0
            }
            gap += 1
        }
        return words
    }
}
