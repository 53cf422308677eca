extension TextBuffer {
    /// What `write` appends, as text of an element or as an attribute's value.
    mutating func text(_ write: (inout TextBuffer) -> Void) {
        var plain = TextBuffer()
        write(&plain)
        for byte in plain.bytes {
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

    /// JSON, so that HTML finds neither the end of its element nor a comment in it. `<` stands in
    /// strings only.
    mutating func append(embedding json: TextBuffer) {
        for byte in json.bytes {
            if byte == UInt8(ascii: "<") { append("\\u003c") } else { append(byte: byte) }
        }
    }

    /// `<p class="…">`, with what `write` appends in it as text; no class if that is empty.
    mutating func element(
        _ name: StaticString, _ className: StaticString = "", _ write: (inout TextBuffer) -> Void
    ) {
        open(name, className)
        text(write)
        close(name)
    }

    mutating func open(_ name: StaticString, _ className: StaticString = "") {
        append("<")
        append(name)
        if className.utf8CodeUnitCount > 0 {
            append(" class=\"")
            append(className)
            append("\"")
        }
        append(">")
    }

    mutating func close(_ name: StaticString) {
        append("</")
        append(name)
        append(">")
    }

    /// A table's cell of a number, which is 0 or stands out.
    mutating func cell(alarm count: Int) {
        element("td", count > 0 ? "n bad" : "n") { $0.append(grouped: count) }
    }

    /// A cell that sorts by a number, not by its text; without one it comes last.
    mutating func beginCell(_ className: StaticString = "", sortedBy value: Int?) {
        append("<td class=\"")
        append(className)
        if let value {
            append("\" data-v=\"")
            append(value)
        }
        append("\">")
    }

    mutating func cell(_ number: Int, _ className: StaticString = "n") {
        element("td", className) { $0.append(grouped: number) }
    }
}
