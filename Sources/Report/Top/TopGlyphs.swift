/// The glyphs of bars, sparklines and marks: each takes one column.
struct TopGlyphs: Sendable {
    let isUTF8: Bool

    var arrow: StaticString { isUTF8 ? " → " : " > " }
    var selected: StaticString { isUTF8 ? "▶" : ">" }
    var cut: StaticString { isUTF8 ? "…" : "~" }
    var upDown: StaticString { isUTF8 ? "↑↓" : "arrows" }
    /// The parts of a bar: ports in use, in TIME_WAIT, and left.
    var inUse: StaticString { isUTF8 ? "█" : "#" }
    var inTimeWait: StaticString { isUTF8 ? "▒" : "=" }
    var free: StaticString { isUTF8 ? "·" : "." }

    /// - Parameter level: from 0, nothing, to 255, nothing left.
    func spark(_ level: UInt8) -> StaticString {
        guard level > 0 else { return " " }
        let steps = isUTF8 ? Self.blocks : Self.ascii
        return steps[(Int(level) * steps.count - 1) / 255]
    }

    private static let blocks: [StaticString] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
    private static let ascii: [StaticString] = ["_", ".", "-", "=", "*", "#"]

    /// Divides a bar of `width` columns, so that the least use shows, and only a full one looks full.
    /// `share`: used ÷ usable; `waiting`: the part of what is held that is in TIME_WAIT, from 0 to 1.
    static func bar(share: Double, waiting: Double, width: Int) -> (inUse: Int, inTimeWait: Int) {
        guard share > 0, width > 0 else { return (0, 0) }
        let filled = share >= 1 ? width : max(1, Int(share * Double(width)))
        let inTimeWait = Int((waiting * Double(filled)).rounded())
        return (filled - inTimeWait, inTimeWait)
    }
}
