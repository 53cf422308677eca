/// One line of JSON, taken apart in one pass. It may come from anywhere: whatever is no JSON object, is
/// nested too deeply, or has too many values, is refused.
///
/// Values are named by their place among the tokens. After an object's token come those of its names and
/// values in turn, after an array's those of its items.
package struct JSONDocument: Sendable {
    package typealias Node = Int

    private(set) var text: [UInt8] = []
    private var tokens: [Token] = []
    /// Where the name that was asked for last stood, and in which object: the next one mostly follows.
    private var hint = 0
    private var hintObject = -1

    enum Kind: Sendable { case object, array, string, escapedString, number, yes, no, null }

    struct Token: Sendable {
        var kind: Kind
        /// The bytes of it; without the quotes.
        var start: UInt32
        var end: UInt32
        /// The token after it and all that it has.
        var next: UInt32
    }

    static let root: Node = 0

    /// Replaces what was loaded before. Returns false if it is no JSON object.
    mutating func load(_ line: ArraySlice<UInt8>) -> Bool {
        text.removeAll(keepingCapacity: true)
        text.append(contentsOf: line)
        tokens.removeAll(keepingCapacity: true)
        hintObject = -1
        var parser = JSONParser()
        swap(&parser.tokens, &tokens)
        let isObject = parser.parse(text.span)
        swap(&parser.tokens, &tokens)
        if !isObject { tokens.removeAll(keepingCapacity: true) }
        return isObject
    }

    func kind(of node: Node) -> Kind { tokens[node].kind }

    /// The bytes of a string as they are written, or of a number.
    func bytes(of node: Node) -> Range<Int> { Int(tokens[node].start)..<Int(tokens[node].end) }

    /// The value of that name; nil if there is none. Of several the first is found.
    mutating func find(_ name: StaticString, in object: Node) -> Node? {
        let end = Int(tokens[object].next)
        let from = object == hintObject && hint < end ? hint : object + 1
        guard let found = search(name, from, end) ?? search(name, object + 1, from) else {
            return nil
        }
        (hintObject, hint) = (object, Int(tokens[found].next))
        return found
    }

    private func search(_ name: StaticString, _ from: Int, _ end: Int) -> Node? {
        var place = from
        while place < end {
            if tokens[place].kind == .string, isEqual(place, name) { return place + 1 }
            place = Int(tokens[place + 1].next)
        }
        return nil
    }

    /// Whether a string without escapes is that text.
    func isEqual(_ node: Node, _ name: StaticString) -> Bool {
        let range = bytes(of: node)
        guard range.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { name in
            for offset in name.indices where text[range.lowerBound + offset] != name[offset] {
                return false
            }
            return true
        }
    }

    /// The items of an array; none of anything else.
    func items(of array: Node) -> [Node] {
        guard kind(of: array) == .array else { return [] }
        var items: [Node] = []
        var place = array + 1
        while place < Int(tokens[array].next) {
            items.append(place)
            place = Int(tokens[place].next)
        }
        return items
    }

    /// The names and values of an object; none of anything else.
    func fields(of object: Node) -> [(name: Node, value: Node)] {
        guard kind(of: object) == .object else { return [] }
        var fields: [(name: Node, value: Node)] = []
        var place = object + 1
        while place < Int(tokens[object].next) {
            fields.append((place, place + 1))
            place = Int(tokens[place + 1].next)
        }
        return fields
    }

    /// Its text; what stands for half a character becomes U+FFFD.
    func string(_ node: Node) -> String {
        let range = bytes(of: node)
        guard kind(of: node) == .escapedString else {
            return String(decoding: text[range], as: UTF8.self)
        }
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var result = ""
        func flush() {
            if !units.isEmpty { result += String(decoding: units, as: UTF16.self) }
            if !plain.isEmpty { result += String(decoding: plain, as: UTF8.self) }
            units.removeAll(keepingCapacity: true)
            plain.removeAll(keepingCapacity: true)
        }
        var place = range.lowerBound
        while place < range.upperBound {
            guard text[place] == UInt8(ascii: "\\") else {
                if !units.isEmpty { flush() }
                plain.append(text[place])
                place += 1
                continue
            }
            if !plain.isEmpty { flush() }
            // The parser has seen what follows.
            let (unit, length) = escape(at: place + 1)
            units.append(unit)
            place += 1 + length
        }
        flush()
        return result
    }

    private func escape(at place: Int) -> (unit: UInt16, length: Int) {
        switch text[place] {
        case UInt8(ascii: "u"):
            let unit = (1...4).reduce(UInt16(0)) {
                $0 << 4 | UInt16(JSONParser.hexDigit(text[place + $1]) ?? 0)
            }
            return (unit, 5)
        case UInt8(ascii: "b"): return (8, 1)
        case UInt8(ascii: "f"): return (12, 1)
        case UInt8(ascii: "n"): return (10, 1)
        case UInt8(ascii: "r"): return (13, 1)
        case UInt8(ascii: "t"): return (9, 1)
        default: return (UInt16(text[place]), 1)
        }
    }
}
