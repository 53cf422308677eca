import PortModel

extension TextBuffer {
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
