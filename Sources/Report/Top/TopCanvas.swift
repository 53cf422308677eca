/// A frame in the making, line by line: each is cut off at the width of the terminal, and each begins
/// where it belongs, so that nothing ever scrolls.
struct TopCanvas {
    private(set) var line: TextBuffer
    let size: TopView.Size
    private let style: Style
    private let cut: StaticString
    /// Lines that are done.
    private(set) var rows = 0
    private var column = 0
    private var isSelected = false
    private var cell = TextBuffer()

    enum Side { case left, right }

    init(_ line: consuming TextBuffer, _ size: TopView.Size, _ style: Style, cut: StaticString) {
        self.line = line
        self.size = size
        self.style = style
        self.cut = cut
    }

    var isFull: Bool { rows >= size.rows }

    /// A line; none once the screen is full.
    mutating func row(selected: Bool = false, _ write: (inout TopCanvas) -> Void) {
        guard !isFull else { return }
        rows += 1
        column = 0
        isSelected = selected
        // CUP
        line.append("\u{1b}[")
        line.append(rows)
        line.append("H")
        if selected { style.begin(.selected, &line) }
        write(&self)
        if selected {
            put(repeated: " ", size.columns - column)
            style.end(&line)
        }
        isSelected = false
        // EL; in the last column it would take what has just been written there.
        if column < size.columns { line.append("\u{1b}[K") }
    }

    /// Text of any length.
    mutating func put(_ tone: Style.Tone = .plain, _ write: (inout TextBuffer) -> Void) {
        cell.clear()
        write(&cell)
        let width = min(cell.columns(since: 0), size.columns - column)
        emit(tone, cell.bytes.prefix(columns: width), width)
    }

    /// A column of a table, and a space.
    ///
    /// - Parameters:
    ///   - side: where the text lies.
    ///   - keepsEnd: the beginning is cut off when the text is too long.
    mutating func put(
        _ side: Side, width: Int, _ tone: Style.Tone = .plain, keepsEnd: Bool = false,
        _ write: (inout TextBuffer) -> Void
    ) {
        guard width > 0 else { return }
        cell.clear()
        write(&cell)
        let columns = cell.columns(since: 0)
        var text = TextBuffer(cell.bytes)
        if columns > width {
            text.clear()
            if keepsEnd { text.append(cut) }
            text.append(
                keepsEnd
                    ? cell.bytes.suffix(columns: width - 1) : cell.bytes.prefix(columns: width - 1))
            if !keepsEnd { text.append(cut) }
        }
        if side == .right { put(repeated: " ", width - columns) }
        put(tone) { $0.append(text) }
        if side == .left { put(repeated: " ", width - columns) }
        put(repeated: " ", 1)
    }

    mutating func put(_ tone: Style.Tone = .plain, repeated glyph: StaticString, _ count: Int) {
        let width = min(count, size.columns - column)
        guard width > 0 else { return }
        var glyphs = TextBuffer()
        for _ in 0..<width { glyphs.append(glyph) }
        emit(tone, glyphs.bytes[...], width)
    }

    private mutating func emit(_ tone: Style.Tone, _ bytes: ArraySlice<UInt8>, _ width: Int) {
        guard width > 0 else { return }
        let isPlain = isSelected || tone == .plain
        if !isPlain { style.begin(tone, &line) }
        line.append(bytes)
        if !isPlain { style.end(&line) }
        column += width
    }
}

extension [UInt8] {
    /// Of UTF-8 text in which each code point takes a column.
    fileprivate func prefix(columns: Int) -> ArraySlice<UInt8> {
        var left = columns
        let end = firstIndex { byte in
            if byte & 0xc0 != 0x80 { left -= 1 }
            return left < 0
        }
        return self[..<(end ?? endIndex)]
    }

    fileprivate func suffix(columns: Int) -> ArraySlice<UInt8> {
        let all = count { $0 & 0xc0 != 0x80 }
        return self[prefix(columns: all - columns).endIndex...]
    }
}
