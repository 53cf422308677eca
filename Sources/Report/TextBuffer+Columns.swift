import Events

extension TextBuffer {
    /// Columns that the text since the byte at `start` takes up.
    func columns(since start: Int) -> Int { Self.columns(of: bytes[start...]) }

    /// What `write` appends, right-aligned in `width` columns.
    mutating func right(_ width: Int, _ write: (inout TextBuffer) -> Void) {
        var cell = TextBuffer()
        write(&cell)
        append(spaces: width - cell.columns(since: 0))
        append(cell)
    }

    /// Spaces up to `width` columns since the byte at `start`.
    mutating func pad(to width: Int, since start: Int) {
        append(spaces: width - columns(since: start))
    }
}
