/// Finds the values of a JSON text, as RFC 8259 has it, in one pass.
struct JSONParser {
    var tokens: [JSONDocument.Token] = []
    private var place = 0

    /// Deeper ones are refused: ours have five.
    private static let depthLimit = 16
    /// 64 MiB of tokens. A summary of 1,000 tuples has 200,000.
    private static let tokenLimit = 1 << 22

    /// - Returns: whether `text` is one object, and no more than white space after it.
    mutating func parse(_ text: Span<UInt8>) -> Bool {
        skipSpace(text)
        guard byte(text) == UInt8(ascii: "{"), value(text, depth: 0) else { return false }
        skipSpace(text)
        return place == text.count
    }

    /// 0 at the end, which no token begins with.
    private func byte(_ text: Span<UInt8>) -> UInt8 { place < text.count ? text[place] : 0 }

    private mutating func skipSpace(_ text: Span<UInt8>) {
        while place < text.count {
            switch text[place] {
            case 0x20, 0x09, 0x0a, 0x0d: place += 1
            default: return
            }
        }
    }

    private mutating func add(_ kind: JSONDocument.Kind, from start: Int) -> Bool {
        guard tokens.count < Self.tokenLimit else { return false }
        tokens.append(
            JSONDocument.Token(
                kind: kind, start: UInt32(start), end: UInt32(place),
                next: UInt32(tokens.count + 1)))
        return true
    }

    private mutating func value(_ text: Span<UInt8>, depth: Int) -> Bool {
        switch byte(text) {
        case UInt8(ascii: "\""): return string(text)
        case UInt8(ascii: "{"): return members(text, .object, depth: depth)
        case UInt8(ascii: "["): return members(text, .array, depth: depth)
        case UInt8(ascii: "t"): return literal(text, "true", .yes)
        case UInt8(ascii: "f"): return literal(text, "false", .no)
        case UInt8(ascii: "n"): return literal(text, "null", .null)
        default: return number(text)
        }
    }

    private mutating func members(
        _ text: Span<UInt8>, _ kind: JSONDocument.Kind, depth: Int
    ) -> Bool {
        let mine = tokens.count
        guard depth < Self.depthLimit, add(kind, from: place) else { return false }
        let end = kind == .object ? UInt8(ascii: "}") : UInt8(ascii: "]")
        place += 1
        skipSpace(text)
        if byte(text) == end {
            place += 1
        } else {
            while true {
                if kind == .object {
                    guard byte(text) == UInt8(ascii: "\""), string(text) else { return false }
                    skipSpace(text)
                    guard byte(text) == UInt8(ascii: ":") else { return false }
                    place += 1
                    skipSpace(text)
                }
                guard value(text, depth: depth + 1) else { return false }
                skipSpace(text)
                let separator = byte(text)
                place += 1
                if separator == end { break }
                guard separator == UInt8(ascii: ",") else { return false }
                skipSpace(text)
            }
        }
        tokens[mine].end = UInt32(place)
        tokens[mine].next = UInt32(tokens.count)
        return true
    }

    private mutating func literal(
        _ text: Span<UInt8>, _ name: StaticString, _ kind: JSONDocument.Kind
    ) -> Bool {
        let start = place
        let isThere = name.withUTF8Buffer { letters in
            for letter in letters {
                guard byte(text) == letter else { return false }
                place += 1
            }
            return true
        }
        return isThere && add(kind, from: start)
    }

    // MARK: Numbers

    private mutating func number(_ text: Span<UInt8>) -> Bool {
        let start = place
        if byte(text) == UInt8(ascii: "-") { place += 1 }
        let first = byte(text)
        let whole = digits(text)
        guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { return false }
        if byte(text) == UInt8(ascii: ".") {
            place += 1
            guard digits(text) > 0 else { return false }
        }
        if byte(text) | 0x20 == UInt8(ascii: "e") {
            place += 1
            if byte(text) == UInt8(ascii: "+") || byte(text) == UInt8(ascii: "-") { place += 1 }
            guard digits(text) > 0 else { return false }
        }
        return add(.number, from: start)
    }

    private mutating func digits(_ text: Span<UInt8>) -> Int {
        let start = place
        while place < text.count, text[place] &- UInt8(ascii: "0") < 10 { place += 1 }
        return place - start
    }

    // MARK: Strings

    private mutating func string(_ text: Span<UInt8>) -> Bool {
        let start = place + 1
        var kind = JSONDocument.Kind.string
        var at = start
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "\"") {
                place = at
                guard add(kind, from: start) else { return false }
                place += 1
                return true
            }
            if byte == UInt8(ascii: "\\") {
                kind = .escapedString
                guard let (_, length) = Self.escape(text, at + 1) else { return false }
                at += 1 + length
            } else if byte < 0x20 {
                return false
            } else if byte < 0x80 {
                at += 1
            } else {
                guard let length = Self.characterLength(text, at) else { return false }
                at += length
            }
        }
        return false
    }

    /// The character, or half of one, that the bytes after a backslash stand for, and how many these are.
    static func escape(_ text: Span<UInt8>, _ at: Int) -> (unit: UInt16, length: Int)? {
        guard at < text.count else { return nil }
        switch text[at] {
        case UInt8(ascii: "u"):
            guard at + 4 < text.count else { return nil }
            var unit: UInt16 = 0
            for place in at + 1...at + 4 {
                guard let digit = hexDigit(text[place]) else { return nil }
                unit = unit << 4 | UInt16(digit)
            }
            return (unit, 5)
        case UInt8(ascii: "b"): return (8, 1)
        case UInt8(ascii: "f"): return (12, 1)
        case UInt8(ascii: "n"): return (10, 1)
        case UInt8(ascii: "r"): return (13, 1)
        case UInt8(ascii: "t"): return (9, 1)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return (UInt16(text[at]), 1)
        default: return nil
        }
    }

    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Of the well-formed UTF-8 sequence of several bytes there (Unicode, table 3-7); nil if it is none.
    private static func characterLength(_ text: Span<UInt8>, _ at: Int) -> Int? {
        let second: ClosedRange<UInt8>
        let length: Int
        switch text[at] {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xe1...0xec, 0xee...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: return nil
        }
        guard at + length <= text.count, second.contains(text[at + 1]) else { return nil }
        for place in at + 2..<max(at + 2, at + length) where text[place] & 0xc0 != 0x80 {
            return nil
        }
        return length
    }
}
