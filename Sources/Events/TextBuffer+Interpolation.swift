/// Sentences for people are written as such: `text += "\(grouped: held) of \(usable, "port")"`.
///
/// A literal is a buffer of its own, which costs one allocation. Lines that come by the thousand
/// therefore append part after part to the buffer that there is: see `TextWriter+Columns.swift`.
extension TextBuffer: ExpressibleByStringInterpolation, StringInterpolationProtocol {
    package init(literalCapacity: Int, interpolationCount: Int) {
        self.init(capacity: literalCapacity + 16 * interpolationCount)
    }

    package init(stringInterpolation text: TextBuffer) { self = text }

    package init(stringLiteral text: StaticString) {
        self.init(capacity: text.utf8CodeUnitCount)
        append(text)
    }

    package mutating func appendLiteral(_ text: StaticString) { append(text) }

    package static func += (text: inout TextBuffer, more: TextBuffer) { text.append(more) }

    // MARK: Text

    package mutating func appendInterpolation(_ text: TextBuffer) { append(text) }
    package mutating func appendInterpolation(_ text: StaticString) { append(text) }
    package mutating func appendInterpolation(_ text: String) { append(text) }
    package mutating func appendInterpolation(spaces count: Int) { append(spaces: count) }

    /// Right-aligned in `width` columns.
    package mutating func appendInterpolation(right width: Int, _ text: TextBuffer) {
        append(spaces: width - text.columns)
        append(text)
    }

    /// Left-aligned in `width` columns.
    package mutating func appendInterpolation(left width: Int, _ text: TextBuffer) {
        append(text)
        append(spaces: width - text.columns)
    }

    package mutating func appendInterpolation(
        if condition: Bool, _ text: @autoclosure () -> TextBuffer,
        else other: @autoclosure () -> TextBuffer = ""
    ) { append(condition ? text() : other()) }

    package mutating func appendInterpolation(
        joined parts: some Sequence<TextBuffer>, by separator: StaticString = ", "
    ) {
        var isFirst = true
        for part in parts {
            if !isFirst { append(separator) }
            append(part)
            isFirst = false
        }
    }

    // MARK: Numbers

    package mutating func appendInterpolation(_ number: Int, width: Int = 0) {
        append(number, width: width)
    }

    /// `28,232`
    package mutating func appendInterpolation(grouped number: Int) { append(grouped: number) }

    package mutating func appendInterpolation(grouped number: UInt64) {
        append(grouped: Int(clamping: number))
    }

    package mutating func appendInterpolation(tenths value: Double) { append(tenths: value) }

    /// `1 port`, `28,232 ports`; `nouns`, if more than an `s` makes the plural.
    package mutating func appendInterpolation(
        _ count: Int, _ noun: StaticString, _ nouns: StaticString? = nil
    ) {
        self += "\(grouped: count) \(count == 1 ? noun : nouns ?? noun)"
        if count != 1, nouns == nil { append("s") }
    }

    /// `99.7 %`
    package mutating func appendInterpolation(percent part: Int, of whole: Int) {
        append(tenths: Double(part) * 100 / Double(max(whole, 1)))
        append(" %")
    }

    /// `99.9 %`: rounded down, so that 100 says that nothing is left.
    package mutating func appendInterpolation(share: Double) {
        guard share.isFinite else { return append("-") }
        append(tenths: (share * 1000).rounded(.down) / 10)
        append(" %")
    }

    /// Whole, except below 10.
    package mutating func appendInterpolation(rate: Double) {
        guard rate >= 9.95 else { return append(tenths: rate) }
        append(grouped: Int(min(rate, 1e15).rounded()))
    }
}
