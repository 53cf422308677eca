import PortModel

/// Bytes of text in the making. Reused from line to line, so that writing one allocates nothing.
package struct TextBuffer: Sendable {
    @usableFromInline package internal(set) var bytes: [UInt8] = []

    package init() { bytes.reserveCapacity(1024) }

    package init(capacity: Int) { bytes.reserveCapacity(capacity) }

    package init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    package var isEmpty: Bool { bytes.isEmpty }

    package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    @inlinable package mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
    package mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }
    package mutating func append(_ other: TextBuffer) { bytes.append(contentsOf: other.bytes) }
    package mutating func append(_ text: ArraySlice<UInt8>) { bytes.append(contentsOf: text) }
    @inlinable package mutating func append(byte: UInt8) { bytes.append(byte) }

    package mutating func append(spaces count: Int) {
        append(byte: UInt8(ascii: " "), count: count)
    }

    /// Takes back what comes after the byte at `end`.
    package mutating func truncate(to end: Int) { bytes.removeSubrange(end...) }

    /// Appends a decimal number, padded to `width` with `pad`, its groups of three separated.
    package mutating func append(
        _ number: Int, width: Int = 0, pad: UInt8 = UInt8(ascii: "0"), separator: UInt8? = nil
    ) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        // From the last digit on: 20 of them at most, and a separator before each group but the first.
        var text = InlineArray<26, UInt8>(repeating: pad)
        var place = text.count
        var rest = number.magnitude
        var digits = 0
        repeat {
            if digits > 0, digits % 3 == 0, let separator {
                place -= 1
                text[place] = separator
            }
            place -= 1
            text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            digits += 1
        } while rest > 0
        append(byte: pad, count: width - (text.count - place))
        for index in place..<text.count { bytes.append(text[index]) }
    }

    private mutating func append(byte: UInt8, count: Int) {
        for _ in 0..<max(0, count) { bytes.append(byte) }
    }

    /// Appends a number with thousands separators: `28,232`.
    package mutating func append(grouped number: Int) {
        append(number, separator: UInt8(ascii: ","))
    }

    /// Appends a number with one digit after the point, cut off at 10¹⁵.
    package mutating func append(tenths value: Double) {
        let tenths = Int((min(max(value, -1e15), 1e15) * 10).rounded())
        if tenths < 0 { append("-") }
        append(Int(tenths.magnitude / 10))
        append(".")
        append(Int(tenths.magnitude % 10))
    }

    package mutating func append(_ address: IPAddress) {
        if address.isV4 {
            for shift in [24, 16, 8, 0] as [UInt64] {
                append(Int(address.low >> shift & 0xff))
                if shift > 0 { append(".") }
            }
            return
        }
        let zeros = address.longestZeroRun
        for index in 0..<8 {
            if zeros.contains(index) {
                if index == zeros.lowerBound { append("::") }
                continue
            }
            if index > 0, index != zeros.upperBound || zeros.isEmpty { append(":") }
            append(hex: address.group(index))
        }
    }

    /// With no zeros before the last `digits`.
    private mutating func append(hex value: UInt16, digits: Int = 1) {
        for place in (0..<4).reversed() where place < digits || value >> (4 * place) != 0 {
            append(byte: Self.hex[Int(value >> (4 * place) & 15)])
        }
    }

    /// With three digits after the point.
    package mutating func append(thousandths value: UInt64) {
        append(Int(value / 1000))
        append(".")
        append(Int(value % 1000), width: 3)
    }

    package static let hex = Array("0123456789abcdef".utf8)

    /// Columns of the text: one for each code point, which suits ours, none for colours.
    package static func columns(of text: ArraySlice<UInt8>) -> Int {
        var columns = 0
        var isEscape = false
        for byte in text {
            if byte == 0x1b { isEscape = true }
            if !isEscape, byte & 0xc0 != 0x80 { columns += 1 }
            if isEscape, byte == UInt8(ascii: "m") { isEscape = false }
        }
        return columns
    }

    /// Columns that the text since the byte at `start` takes up.
    package func columns(since start: Int) -> Int { Self.columns(of: bytes[start...]) }

    package var columns: Int { columns(since: 0) }

    /// Puts spaces before the text since the byte at `start`, so that it ends in column `width`.
    package mutating func alignRight(_ width: Int, since start: Int) {
        let missing = max(0, width - columns(since: start))
        bytes.insert(contentsOf: repeatElement(UInt8(ascii: " "), count: missing), at: start)
    }

    /// Appends spaces up to `width` columns since the byte at `start`.
    package mutating func pad(to width: Int, since start: Int) {
        append(spaces: width - columns(since: start))
    }
}

extension String {
    package init(_ text: TextBuffer) { self.init(decoding: text.bytes, as: UTF8.self) }
}

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
            append(hex: UInt16(scalar.value), digits: 4)
        case 0x22, 0x5c:
            append("\\")
            append(byte: UInt8(scalar.value))
        case ..<0x80: append(byte: UInt8(scalar.value))
        default: for byte in UTF8.encode(scalar)! { append(byte: byte) }
        }
    }
}
