/// A key that the live view knows.
package enum TopKey: Hashable, Sendable {
    case up, down, left, right, pageUp, pageDown, home, end
    case enter, escape, backspace
    /// Ctrl-U, Ctrl-L, Ctrl-C.
    case clearLine, redraw, interrupt
    /// Printable ASCII.
    case character(UInt8)
}

/// Makes keys of the bytes that a terminal sends. What it does not know it passes over.
package struct TopKeyDecoder: Sendable {
    /// An escape sequence that has begun.
    private var pending: [UInt8] = []

    /// No sequence that means anything here is longer.
    private static let limit = 16
    private static let escape: UInt8 = 0x1b

    package init() {}

    /// An escape character is taken for the key of that name when nothing comes with it.
    package mutating func decode(_ bytes: [UInt8]) -> [TopKey] {
        let all = pending + bytes
        pending = []
        var keys: [TopKey] = []
        var rest = all[...]
        while let byte = rest.first {
            guard byte == Self.escape else {
                rest.removeFirst()
                if let key = Self.key(byte) { keys.append(key) }
                continue
            }
            guard let (key, length) = Self.sequence(rest) else {
                if rest.count < Self.limit { pending = Array(rest) }
                return keys
            }
            rest.removeFirst(length)
            if let key { keys.append(key) }
        }
        return keys
    }

    private static func key(_ byte: UInt8) -> TopKey? {
        switch byte {
        case 0x03: .interrupt
        case 0x08, 0x7f: .backspace
        case 0x0a, 0x0d: .enter
        case 0x0c: .redraw
        case 0x15: .clearLine
        case 0x20..<0x7f: .character(byte)
        default: nil
        }
    }

    /// The key of the escape sequence that `bytes` begin with, and its length; nil if incomplete.
    private static func sequence(_ bytes: ArraySlice<UInt8>) -> (key: TopKey?, length: Int)? {
        let bytes = Array(bytes)
        guard bytes.count > 1 else { return (.escape, 1) }
        switch bytes[1] {
        case UInt8(ascii: "O"):
            guard bytes.count > 2 else { return nil }
            let isEnter = bytes[2] == UInt8(ascii: "M")
            return (isEnter ? .enter : key(final: bytes[2], parameter: 0), 3)
        case UInt8(ascii: "["):
            var parameter = 0
            for place in 2..<bytes.count {
                switch bytes[place] {
                // Of several parameters the first says which key, the others what was held down.
                case UInt8(ascii: "0")...UInt8(ascii: "9") where !bytes[2..<place].contains(0x3b):
                    parameter = min(parameter * 10 + Int(bytes[place] - UInt8(ascii: "0")), 999)
                case 0x20..<0x40: continue
                default: return (key(final: bytes[place], parameter: parameter), place + 1)
                }
            }
            return nil
        default: return (.escape, 1)
        }
    }

    private static func key(final: UInt8, parameter: Int) -> TopKey? {
        switch (final, parameter) {
        case (UInt8(ascii: "A"), _): .up
        case (UInt8(ascii: "B"), _): .down
        case (UInt8(ascii: "C"), _): .right
        case (UInt8(ascii: "D"), _): .left
        case (UInt8(ascii: "H"), _), (UInt8(ascii: "~"), 1), (UInt8(ascii: "~"), 7): .home
        case (UInt8(ascii: "F"), _), (UInt8(ascii: "~"), 4), (UInt8(ascii: "~"), 8): .end
        case (UInt8(ascii: "~"), 5): .pageUp
        case (UInt8(ascii: "~"), 6): .pageDown
        default: nil
        }
    }
}
