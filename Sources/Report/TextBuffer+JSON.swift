import Events

/// What the script of an HTML page draws, which is no event.
extension TextBuffer {
    mutating func name(_ name: StaticString, first: Bool = false) {
        append(first ? "\"" : ",\"")
        append(name)
        append("\":")
    }

    mutating func field(_ name: StaticString, _ value: Int) {
        self.name(name)
        append(value)
    }

    /// With three digits after the point.
    mutating func field(_ name: StaticString, thousandths value: UInt64) {
        self.name(name)
        append(thousandths: value)
    }

    mutating func array<Element>(
        _ name: StaticString, _ elements: [Element], _ write: (Element, inout TextBuffer) -> Void
    ) {
        self.name(name)
        append("[")
        for (index, element) in elements.enumerated() {
            if index > 0 { append(",") }
            write(element, &self)
        }
        append("]")
    }
}
