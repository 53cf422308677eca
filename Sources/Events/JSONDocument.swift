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

    /// The items of an array, or the names of an object: after each comes its value.
    func items(of list: Node) -> [Node] {
        let distance = kind(of: list) == .object ? 1 : 0
        var items: [Node] = []
        var place = list + 1
        while place < Int(tokens[list].next) {
            items.append(place)
            place = Int(tokens[place + distance].next)
        }
        return items
    }

    /// Its text; what stands for half a character becomes U+FFFD.
    func string(_ node: Node) -> String {
        let range = bytes(of: node)
        guard kind(of: node) == .escapedString else {
            return String(decoding: text[range], as: UTF8.self)
        }
        var units: [UInt16] = []
        var rest = range
        while let slash = text[rest].firstIndex(of: UInt8(ascii: "\\")) {
            units += String(decoding: text[rest.lowerBound..<slash], as: UTF8.self).utf16
            // The parser has seen what follows.
            guard let (unit, length) = JSONParser.escape(text.span, slash + 1) else { break }
            units.append(unit)
            rest = slash + 1 + length..<rest.upperBound
        }
        units += String(decoding: text[rest], as: UTF8.self).utf16
        return String(decoding: units, as: UTF16.self)
    }
}
