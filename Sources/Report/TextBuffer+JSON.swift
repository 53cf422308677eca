import PortModel

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

    /// With one digit after the point.
    mutating func field(_ name: StaticString, tenths value: Double) {
        self.name(name)
        append(tenths: value)
    }

    /// With three digits after the point.
    mutating func field(_ name: StaticString, thousandths value: UInt64) {
        self.name(name)
        append(thousandths: value)
    }

    mutating func append(thousandths value: UInt64) {
        append(Int(value / 1000))
        append(".")
        append(Int(value % 1000), width: 3)
    }

    mutating func field(_ name: StaticString, _ range: PortRange) {
        self.name(name)
        append("[")
        append(Int(range.low))
        append(",")
        append(Int(range.high))
        append("]")
    }

    mutating func field(_ name: StaticString, _ value: Bool) {
        self.name(name)
        append(value ? "true" : "false" as StaticString)
    }

    mutating func field(_ name: StaticString, _ value: String, first: Bool = false) {
        self.name(name, first: first)
        append(quoted: value)
    }

    mutating func field(_ name: StaticString, _ time: UInt64, _ context: RenderContext) {
        self.name(name)
        append("\"")
        context.timestamps.appendUTC(time, to: &self)
        append("\"")
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

    /// An object of counts by name.
    mutating func counts(_ name: StaticString, _ counts: [(name: String, count: Int)]) {
        self.name(name)
        append("{")
        for (index, (name, count)) in counts.enumerated() {
            if index > 0 { append(",") }
            append(quoted: name)
            append(":")
            append(count)
        }
        append("}")
    }

    /// An object that begins with a process, and is not closed.
    mutating func open(_ process: ProcessID) {
        append("{\"pid\":")
        append(Int(process.pid))
        append(",\"comm\":")
        append(quoted: process.name)
    }

    /// As a JSON string.
    package mutating func append(quoted text: String) {
        append("\"")
        for scalar in text.unicodeScalars { append(escaped: scalar) }
        append("\"")
    }

    /// Bytes that are no UTF-8 become U+FFFD.
    mutating func append(quoted name: ProcessID.Name) {
        var isASCII = true
        name.forEachByte { if $0 >= 0x80 { isASCII = false } }
        if isASCII {
            append("\"")
            name.forEachByte { append(escaped: Unicode.Scalar($0)) }
            append("\"")
        } else {
            var bytes: [UInt8] = []
            name.forEachByte { bytes.append($0) }
            append(quoted: String(decoding: bytes, as: UTF8.self))
        }
    }

    /// What a terminal might obey is escaped, and what some readers take for the end of a line.
    private mutating func append(escaped scalar: Unicode.Scalar) {
        switch scalar.value {
        case ..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
            append("\\u")
            for shift in [12, 8, 4, 0] as [UInt32] {
                append(byte: Self.hex[Int(scalar.value >> shift & 15)])
            }
        case 0x22, 0x5c:
            append("\\")
            append(byte: UInt8(scalar.value))
        case ..<0x80: append(byte: UInt8(scalar.value))
        default: for byte in UTF8.encode(scalar)! { append(byte: byte) }
        }
    }
}
