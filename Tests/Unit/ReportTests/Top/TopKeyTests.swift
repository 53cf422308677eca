import TestSupport
import Testing

@testable import Report

@Suite struct TopKeyTests {
    static let sequences: [(String, [TopKey])] = [
        ("q", [.character(UInt8(ascii: "q"))]),
        ("\u{1b}[A\u{1b}[B\u{1b}[C\u{1b}[D", [.up, .down, .right, .left]),
        ("\u{1b}OA\u{1b}OB\u{1b}OH\u{1b}OF", [.up, .down, .home, .end]),
        ("\u{1b}[5~\u{1b}[6~", [.pageUp, .pageDown]),
        ("\u{1b}[1~\u{1b}[4~\u{1b}[7~\u{1b}[8~", [.home, .end, .home, .end]),
        ("\u{1b}[1;5A\u{1b}[5;2~", [.up, .pageUp]),
        ("\u{1b}", [.escape]),
        ("\u{1b}q", [.escape, .character(UInt8(ascii: "q"))]),
        (
            "\r\n\u{7f}\u{8}\u{15}\u{c}\u{3}",
            [
                .enter, .enter, .backspace, .backspace, .clearLine, .redraw, .interrupt,
            ]
        ),
        // Function keys, a report of the mouse, letters beyond ASCII, other controls.
        ("\u{1b}[15~\u{1b}[<0;1;2M\u{1b}OPé\u{1}\u{1b}OM", [.enter]),
        (
            "\u{1b}[200~ab\u{1b}[201~",
            [
                .character(UInt8(ascii: "a")), .character(UInt8(ascii: "b")),
            ]
        ),
    ]

    @Test(arguments: sequences)
    func decode(bytes: String, keys: [TopKey]) {
        var decoder = TopKeyDecoder()
        #expect(decoder.decode(Array(bytes.utf8)) == keys)
    }

    /// A sequence that comes in parts, but for the escape character itself.
    @Test func inParts() {
        var decoder = TopKeyDecoder()
        #expect(decoder.decode(Array("\u{1b}[".utf8)) == [])
        #expect(decoder.decode(Array("6".utf8)) == [])
        #expect(decoder.decode(Array("~\u{1b}O".utf8)) == [.pageDown])
        #expect(decoder.decode(Array("A".utf8)) == [.up])
    }

    /// Whatever comes, the next line of keys is understood, and nothing is kept.
    @Test func garbage() {
        var generator = SeededGenerator(state: 1)
        for _ in 0..<2000 {
            var decoder = TopKeyDecoder()
            for _ in 0..<20 {
                let count = Int.random(in: 0..<40, using: &generator)
                _ = decoder.decode(
                    (0..<count).map { _ in
                        Bool.random(using: &generator)
                            ? [0x1b, 0x5b, 0x3b].randomElement()!
                            : UInt8.random(in: 0...255, using: &generator)
                    })
            }
            _ = decoder.decode(Array(repeating: UInt8(ascii: "A"), count: 20))
            #expect(decoder.decode([UInt8(ascii: "q")]) == [.character(UInt8(ascii: "q"))])
        }
    }
}
