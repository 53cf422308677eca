import Events

extension TextBuffer {
    /// Text of an element, or an attribute's value.
    mutating func appendInterpolation(html text: TextBuffer) {
        for byte in text.bytes {
            switch byte {
            case UInt8(ascii: "&"): append("&amp;")
            case UInt8(ascii: "<"): append("&lt;")
            case UInt8(ascii: ">"): append("&gt;")
            case UInt8(ascii: "\""): append("&quot;")
            case UInt8(ascii: "'"): append("&#39;")
            // HTML has no way to write these.
            case ..<0x20, 0x7f: append("\u{fffd}")
            default: append(byte: byte)
            }
        }
    }

    /// `<p class="…">`, with `text` in it; no class if that is empty.
    mutating func appendInterpolation(
        _ element: StaticString, class className: StaticString = "", _ text: TextBuffer
    ) {
        let hasClass = className.utf8CodeUnitCount > 0
        self += "<\(element)\(if: hasClass, " class=\"\(className)\"")>\(html: text)</\(element)>"
    }

    /// A table's cell of a number.
    mutating func appendInterpolation(cell number: Int, _ className: StaticString = "n") {
        self += "\("td", class: className, "\(grouped: number)")"
    }

    /// A table's cell of a number, which is 0 or stands out.
    mutating func appendInterpolation(alarm count: Int) {
        self += "\(cell: count, count > 0 ? "n bad" : "n")"
    }

    /// A cell that sorts by a number, not by its text; without one it comes last.
    mutating func appendInterpolation(
        _ className: StaticString, sortedBy value: Int?, _ text: TextBuffer
    ) {
        let order: TextBuffer = value.map { "\" data-v=\"\($0)" } ?? ""
        self += "<td class=\"\(className)\(order)\">\(html: text)</td>"
    }
}
