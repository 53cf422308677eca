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

    /// JSON in which HTML finds no end of its element, and no comment. `<` is in strings only.
    mutating func appendInterpolation(embedding json: TextBuffer) {
        for byte in json.bytes {
            if byte == UInt8(ascii: "<") { append("\\u003c") } else { append(byte: byte) }
        }
    }

    /// Appends `<p class="…">`, with `text` in it; no class if that is empty.
    mutating func element(
        _ name: StaticString, _ className: StaticString = "", _ text: TextBuffer
    ) {
        self += "<\(name)"
        if className.utf8CodeUnitCount > 0 { self += " class=\"\(className)\"" }
        self += ">\(html: text)</\(name)>"
    }

    /// Appends a table's cell of a number.
    mutating func cell(_ number: Int, _ className: StaticString = "n") {
        element("td", className, "\(grouped: number)")
    }

    /// Appends a table's cell of a number, which is 0 or stands out.
    mutating func cell(alarm count: Int) { cell(count, count > 0 ? "n bad" : "n") }

    /// Appends a cell that sorts by a number, not by its text; without one it comes last.
    mutating func cell(_ className: StaticString = "", sortedBy value: Int?, _ text: TextBuffer) {
        self += "<td class=\"\(className)"
        if let value { self += "\" data-v=\"\(value)" }
        self += "\">\(html: text)</td>"
    }
}
