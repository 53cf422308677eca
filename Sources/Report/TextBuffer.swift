import PortModel

/// Bytes of text in the making. Reused from line to line, so that writing one allocates nothing.
package struct TextBuffer: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() { bytes.reserveCapacity(1024) }

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    package mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }

    mutating func append(_ other: TextBuffer) { bytes.append(contentsOf: other.bytes) }

    mutating func append(_ text: ArraySlice<UInt8>) { bytes.append(contentsOf: text) }

    mutating func append(byte: UInt8) { bytes.append(byte) }

    mutating func append(spaces count: Int) {
        for _ in 0..<max(0, count) { bytes.append(UInt8(ascii: " ")) }
    }

    /// Takes back what comes after the byte at `end`.
    mutating func truncate(to end: Int) { bytes.removeSubrange(end...) }

    /// - Parameters:
    ///   - width: padded to this many digits with `pad`.
    ///   - separator: put between groups of three digits; nil for none.
    mutating func append(
        _ number: Int, width: Int = 0, pad: UInt8 = UInt8(ascii: "0"), separator: UInt8? = nil
    ) {
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = number.magnitude
        var digits = 0
        repeat {
            if digits > 0, digits % 3 == 0, let separator { bytes.append(separator) }
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
            digits += 1
        } while rest > 0
        while bytes.count - start < width { bytes.append(pad) }
        bytes[start...].reverse()
    }

    /// With thousands separators, as people read it.
    package mutating func append(grouped number: Int) {
        append(number, separator: UInt8(ascii: ","))
    }

    /// With one digit after the point. Infinite and absurd values are cut off at 10¹⁵.
    package mutating func append(tenths value: Double) {
        let tenths = Int((min(max(value, -1e15), 1e15) * 10).rounded())
        if tenths < 0 { append("-") }
        append(Int(tenths.magnitude / 10))
        append(".")
        append(Int(tenths.magnitude % 10))
    }

    mutating func append(_ address: IPAddress) {
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

    private mutating func append(hex group: UInt16) {
        var seen = false
        for shift in [12, 8, 4, 0] as [UInt16] {
            let digit = Int(group >> shift & 15)
            seen = seen || digit != 0 || shift == 0
            if seen { append(byte: Self.hex[digit]) }
        }
    }

    static let hex = Array("0123456789abcdef".utf8)

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
