import Events

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

    enum Side { case left, right }

    init(_ line: consuming TextBuffer, _ size: TopView.Size, _ style: Style, cut: StaticString) {
        self.line = line
        (self.size, self.style, self.cut) = (size, style, cut)
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

    /// Puts text of any length.
    mutating func put(_ text: TextBuffer, _ tone: Style.Tone = .plain) {
        let width = min(text.columns, size.columns - column)
        emit(tone, text.bytes.prefix(columns: width), width)
    }

    /// Puts a column of a table, its text at `side`, and a space. If the text is too long, its end is
    /// cut off; with `keepsEnd` its beginning.
    mutating func put(
        _ side: Side, _ width: Int, _ text: TextBuffer, _ tone: Style.Tone = .plain,
        keepsEnd: Bool = false
    ) {
        guard width > 0 else { return }
        let columns = text.columns
        let cell: TextBuffer =
            columns <= width
            ? text
            : keepsEnd
                ? "\(cut)\(text.bytes.suffix(columns: width - 1))"
                : "\(text.bytes.prefix(columns: width - 1))\(cut)"
        if side == .right { put(repeated: " ", width - columns) }
        put(cell, tone)
        if side == .left { put(repeated: " ", width - columns) }
        put(repeated: " ", 1)
    }

    mutating func put(repeated glyph: StaticString, _ count: Int, _ tone: Style.Tone = .plain) {
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

extension TextBuffer {
    fileprivate mutating func appendInterpolation(_ bytes: ArraySlice<UInt8>) { append(bytes) }
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
