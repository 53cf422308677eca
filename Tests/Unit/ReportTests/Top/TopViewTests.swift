import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

/// A view of a ledger, with keys pressed by name.
private struct Scene {
    var view: TopView
    var ledger = Ledger()
    var size = TopView.Size(columns: 80, rows: 14)
    private var now: UInt64 = Sample.time

    init(colour: Bool = false, isUTF8: Bool = true) {
        view = TopView(
            colour: colour, isUTF8: isUTF8, thresholds: [50, 90], start: Sample.time)
    }

    /// Three tuples and a pool.
    static var usual: Scene {
        var scene = Scene()
        let range = PortRange(low: 40_000, high: 40_009)
        scene.ledger = Sample.bindPools()
        Load(
            process: ProcessID(pid: 7, name: ProcessID.Name("wrk")), range: range, timeWait: 10,
            failed: 3
        )
        .fold(into: &scene.ledger)
        Load(
            tuple: scene.tuple(port: 443),
            process: ProcessID(pid: 8, name: ProcessID.Name("envoy")),
            range: range, established: 4, timeWait: 2
        ).fold(into: &scene.ledger, first: 1000)
        Load(tuple: Sample.tupleV6, process: Sample.process([0x1b]), established: 5)
            .fold(into: &scene.ledger, first: 2000)
        scene.pass()
        return scene
    }

    func tuple(port: UInt16) -> Tuple {
        var tuple = Sample.tuple
        tuple.remotePort = port
        return tuple
    }

    /// A second passes.
    mutating func pass(_ accuracy: Accuracy = Accuracy()) {
        now += 1_000_000_000
        ledger.countBindPools()
        view.secondPassed(at: now, ledger, ledger.takeTicks(at: now), accuracy)
    }

    /// Keys by their characters.
    mutating func type(_ text: String) {
        for byte in text.utf8 { press(.character(byte)) }
    }

    @discardableResult
    mutating func press(_ key: TopKey) -> Bool { view.press(key, ledger) }

    mutating func screen() throws -> TopScreen {
        var line = TextBuffer()
        view.draw(size, ledger, in: Sample.context, to: &line)
        return try TopScreen(size, line.bytes)
    }

    mutating func text() throws -> String { try screen().text }

    private static let names = [("]:443", "v6"), (":443", "443"), (":80", "80"), ("bind", "bind")]

    /// The rows on the screen, by the ports of the peers; the one that is selected in brackets.
    mutating func list() throws -> String {
        let head = 4
        return try text().split(separator: "\n").dropFirst(head).compactMap { line -> String? in
            guard let name = Self.names.first(where: { line.contains($0.0) })?.1 else { return nil }
            return line.hasPrefix("▶") ? "[\(name)]" : name
        }.joined(separator: " ")
    }
}

private func expect(_ text: String, _ wanted: String) { #expect(text == wanted, "\n\(text)\n") }

@Suite struct TopViewTests {
    @Test func frame() throws {
        var scene = Scene.usual
        var accuracy = Accuracy()
        accuracy.audits = 2
        accuracy.largestDrift = 3
        scene.pass(accuracy)
        expect(
            try scene.text(),
            """
            portgauge top  0:00:02  3 tuples  by share
            ports 21 held, 57.1 % in TIME_WAIT  opened 0/s  failed 4
            accuracy: lost 0  slipped 0  audits 2, drift 0 (largest 3)

               USED           HELD TREND   OPEN/s FULL IN  FAILED TUPLE
             100.0% ▒▒▒▒▒▒      10     ██       0    full       3 10.0.0.1 → 10.0.0.9:80
              60.0% ██▒···       6     ▅▅       0       -       0 10.0.0.1 → 10.0.0.9:443
               0.0% █·····       5     ▁▁       0       -       0 …8::1] → [2001:db8::9]:443
               0.0% █·····       1     ▁▁       -       -       1 bind 10.0.0.1




            ? help  q quit  / filter  space pause  < > sort  ↑↓ select  Enter expand
            """)
    }

    @Test func wide() throws {
        var scene = Scene.usual
        scene.size = TopView.Size(columns: 150, rows: 9)
        expect(
            try scene.text(),
            """
            portgauge top  0:00:01  3 tuples  by share
            ports 21 held, 57.1 % in TIME_WAIT  opened 21/s  failed 4, 4.0/s
            accuracy: lost 0  slipped 0  audits 0
               USED               HELD  USABLE  TW% TREND                 OPEN/s FULL IN  FAILED TUPLE                                       TOP PROCESS
             100.0% ▒▒▒▒▒▒▒▒▒▒      10      10  100                    █      10    full       3 10.0.0.1 → 10.0.0.9:80                      wrk[7]
              60.0% ████▒▒····       6      10   33                    ▅     6.0       -       0 10.0.0.1 → 10.0.0.9:443                     envoy[8]
               0.0% █·········       5  28,232    0                    ▁     5.0       -       0 blue: [2001:db8::1] → [2001:db8::9]:443     \\x1b[7]
               0.0% █·········       1  28,230    0                    ▁       -       -       1 bind 10.0.0.1                               wrk[4123]
            ? help  q quit  / filter  space pause  < > sort  ↑↓ select  Enter expand
            """)
    }

    @Test func narrow() throws {
        var scene = Scene.usual
        scene.size = TopView.Size(columns: 40, rows: 5)
        expect(
            try scene.text(),
            """
            portgauge top  0:00:01  3 tuples  by sha
               USED FULL IN  FAILED TUPLE
             100.0%    full       3 …1 → 10.0.0.9:80
              60.0%       -       0 … → 10.0.0.9:443
               0.0%       -       0 …001:db8::9]:443
            """)
    }

    @Test func withoutUTF8() throws {
        var scene = Scene.usual
        scene.view = TopView(colour: true, isUTF8: false, thresholds: [50], start: Sample.time)
        scene.pass()
        scene.size.rows = 40
        scene.press(.down)
        scene.press(.enter)
        #expect(try scene.text().utf8.allSatisfy { $0 < 0x80 })
        scene.type("?")
        #expect(try scene.text().utf8.allSatisfy { $0 < 0x80 })
    }

    @Test func expanded() throws {
        var scene = Scene.usual
        scene.size.rows = 24
        scene.press(.enter)
        _ = try scene.text()
        scene.press(.down)
        _ = try scene.text()
        scene.press(.right)
        expect(
            try scene.text(),
            """
            portgauge top  0:00:01  3 tuples  by share
            ports 21 held, 57.1 % in TIME_WAIT  opened 21/s  failed 4, 4.0/s
            accuracy: lost 0  slipped 0  audits 0

               USED           HELD TREND   OPEN/s FULL IN  FAILED TUPLE
             100.0% ▒▒▒▒▒▒      10      █      10    full       3 10.0.0.1 → 10.0.0.9:80
                0 of 10 left; held 10: 0 in use, 10 in TIME_WAIT
                peak 10, ports 40000-40009, 3.0 fail/s; full; sustainable: 0.2/s
                   HELD TIME_WAIT  OPENED  FAILED PROCESS
                     10        10      10       3 wrk[7]  range 3
            ▶ 60.0% ██▒···       6      ▅     6.0       -       0 10.0.0.1 → 10.0.0.9:443
                4 of 10 left; held 6: 4 in use, 2 in TIME_WAIT
                peak 6, ports 40000-40009
                   HELD TIME_WAIT  OPENED  FAILED PROCESS
                      6         2       6       0 envoy[8]
               0.0% █·····       5      ▁     5.0       -       0 …8::1] → [2001:db8::9]:443
               0.0% █·····       1      ▁       -       -       1 bind 10.0.0.1






            ? help  q quit  / filter  space pause  < > sort  ↑↓ select  Enter expand
            """)
        scene.press(.left)
        scene.press(.up)
        _ = try scene.text()
        scene.type("x")
        #expect(try !scene.text().contains("PROCESS"))
    }

    @Test func nothing() throws {
        var scene = Scene()
        scene.pass()
        #expect(try scene.text().contains("no port is held by an outgoing connection"))
        for key in [TopKey.up, .down, .end, .enter, .pageUp] { scene.press(key) }
        #expect(try scene.text().contains("0 tuples"))
    }

    /// Keys to press, and the rows that are there then.
    static let sequences: [(String, String)] = [
        ("", "80 443 v6 bind"),
        ("n", "80 443 v6 bind"), ("t", "80 443 v6 bind"), ("f", "80 bind 443 v6"),
        ("e", "80 443 v6 bind"), ("a", "80 443 v6 bind"), ("r", "80 443 v6 bind"),
        (">", "80 443 v6 bind"), ("<", "80 443 v6 bind"), ("i", "bind v6 443 80"),
        ("zZ!", "80 443 v6 bind"), ("?", ""), ("?q", "80 443 v6 bind"),
        ("j", "[80] 443 v6 bind"), ("jj", "80 [443] v6 bind"), ("jjk", "[80] 443 v6 bind"),
        ("k", "80 443 v6 [bind]"), ("G", "80 443 v6 [bind]"), ("Gg", "[80] 443 v6 bind"),
        ("jjn", "80 [443] v6 bind"), ("jjin", "bind v6 [443] 80"),
        ("/443", "443 v6"), ("/WRK", "80 bind"), ("/10.0.0 wrk", "80 bind"), ("/blue", "v6"),
        ("/8]", "443"), ("/nobody", ""), ("jj/[7] 80", "[80]"),
    ]

    @Test(arguments: sequences)
    func keys(pressed: String, list: String) throws {
        var scene = Scene.usual
        for key in pressed {
            scene.type(String(key))
            _ = try scene.text()
        }
        #expect(try scene.list() == list)
    }

    @Test func filterIsTyped() throws {
        var scene = Scene.usual
        scene.type("/4q")
        #expect(
            try scene.text().hasSuffix("/4q_  address, port or process; Enter keeps, Esc drops it"))
        scene.press(.backspace)
        scene.press(.enter)
        #expect(try scene.list() == "443 v6 bind")
        #expect(try scene.text().contains("/4: 3 matches"))
        scene.type("/")
        scene.press(.clearLine)
        scene.type("wrk")
        #expect(try scene.list() == "80 bind")
        scene.press(.escape)
        #expect(try scene.list() == "443 v6 bind")
        scene.press(.escape)
        #expect(try scene.list() == "80 443 v6 bind")
        scene.type("/")
        scene.press(.backspace)
        scene.type("j")
        #expect(try scene.list() == "[80] 443 v6 bind")
    }

    @Test func quit() {
        var scene = Scene.usual
        let q = TopKey.character(UInt8(ascii: "q"))
        let goesOn = [q, .character(UInt8(ascii: "/")), q, .interrupt].map { scene.press($0) }
        #expect(goesOn == [false, true, true, false])
    }

    /// While it is paused, nothing changes but what keys do; then all is as it has become.
    @Test func pause() throws {
        var scene = Scene.usual
        scene.type("p")
        let before = try scene.text()
        #expect(before.contains("PAUSED"))
        Load(
            tuple: scene.tuple(port: 443), range: PortRange(low: 40_000, high: 40_009),
            established: 3
        ).fold(into: &scene.ledger, first: 5000)
        scene.pass()
        #expect(try scene.text() == before)
        scene.type("/443")
        scene.press(.enter)
        scene.press(.down)
        scene.press(.enter)
        scene.size.rows = 20
        let expanded = try scene.text()
        #expect(expanded.contains("4 of 10 left; held 6: 4 in use, 2 in TIME_WAIT"))
        #expect(!expanded.contains("wrk"))
        scene.type("p")
        let after = try scene.text()
        #expect(after.contains("1 of 10 left; held 9: 7 in use, 2 in TIME_WAIT"))
        #expect(after.contains("wrk") && !after.contains("PAUSED"))
    }

    /// The selection stays with its tuple while that moves, and where it was when that goes.
    @Test func selectionFollows() throws {
        var scene = Scene.usual
        scene.type("njj")
        #expect(try scene.list() == "80 [443] v6 bind")
        Load(
            tuple: scene.tuple(port: 443), range: PortRange(low: 40_000, high: 40_009),
            established: 10
        ).fold(into: &scene.ledger, first: 5000)
        scene.pass()
        #expect(try scene.list() == "[443] 80 v6 bind")
        scene.type("/blue")
        #expect(try scene.list() == "[v6]")
    }

    @Test func colours() throws {
        var scene = Scene.usual
        scene.view = TopView(colour: true, isUTF8: true, thresholds: [50, 90], start: Sample.time)
        scene.pass()
        var line = TextBuffer()
        scene.view.draw(scene.size, scene.ledger, in: Sample.context, to: &line)
        #expect(line.text.contains("\u{1b}[1;31m100.0%\u{1b}[m"))
        #expect(line.text.contains("\u{1b}[33m 60.0%") || line.text.contains("\u{1b}[33m60.0%"))
        scene.press(.down)
        #expect(try scene.screen().reversed.count == 1)
    }

    /// Many tuples, any size, any keys: every frame fits, and the selected row is on it.
    @Test func anything() throws {
        var generator = SeededGenerator(state: 7)
        var scene = Scene.usual
        for number in 0..<300 {
            Load(
                tuple: scene.tuple(port: UInt16(1000 + number)),
                established: Int.random(in: 0..<4, using: &generator), timeWait: number % 3
            ).fold(into: &scene.ledger, first: UInt64(10_000 + 100 * number))
        }
        scene.pass()
        let letters = Array("sntrefai<>jkgGxl p?h/0123w".utf8)
        let others: [TopKey] = [
            .up, .down, .left, .right, .pageUp, .pageDown, .home, .end, .enter, .escape,
            .backspace, .clearLine, .redraw, .down, .down, .enter,
        ]
        for _ in 0..<400 {
            if generator.chance(20) { scene.pass() }
            if generator.chance(10) {
                scene.size = TopView.Size(
                    columns: Int.random(in: 0..<220, using: &generator),
                    rows: Int.random(in: 0..<60, using: &generator))
            }
            let key =
                generator.chance(2)
                ? .character(letters.randomElement(using: &generator)!)
                : others.randomElement(using: &generator)!
            scene.press(key)
            let shown = TopView.Size(
                columns: max(1, scene.size.columns), rows: max(1, scene.size.rows))
            var line = TextBuffer()
            scene.view.draw(scene.size, scene.ledger, in: Sample.context, to: &line)
            let screen = try TopScreen(shown, line.bytes)
            guard scene.view.selection.scope != nil, !scene.view.isHelpShown else { continue }
            let marks = screen.lines.count { $0.first == "▶" }
            let isEmpty = screen.lines.contains {
                String($0).hasPrefix(" nothing".prefix(shown.columns))
            }
            try #require(marks == 1 || isEmpty, "\(shown) \(key)\n\(screen.text)")
        }
    }

    @Test func columnsFit() {
        for width in 1...400 {
            let columns = TopColumns(width: width)
            let all = [
                columns.share, columns.bar, columns.held, columns.usable, columns.timeWait,
                columns.spark, columns.rate, columns.exhaustion, columns.failed, columns.tuple,
                columns.process,
            ]
            // A space follows each, but for what is cut off at the end.
            #expect(all.reduce(0) { $0 + ($1 > 0 ? $1 + 1 : 0) } <= width + 1)
            #expect(columns.tuple > 0 || width == 1)
        }
    }

    @Test func windowSort() {
        var generator = SeededGenerator(state: 3)
        for count in [0, 1, 2, 33, 100, 1000, 5000] {
            for pattern in 0..<4 {
                let values = (0..<count).map { place in
                    switch pattern {
                    case 0: Int.random(in: 0..<10 * count, using: &generator) * 10_000 + place
                    case 1: place
                    case 2: -place
                    default: place % 7 * 10_000 + place
                    }
                }
                let low = Int.random(in: 0...count, using: &generator)
                let window = low..<min(count, low + 40)
                var sorted = values
                sorted.sort(window: window, by: <)
                #expect(sorted[window] == values.sorted()[window])
                #expect(sorted.sorted() == values.sorted())
            }
        }
    }

    @Test func bars() {
        #expect(TopGlyphs.bar(share: 0, waiting: 0, width: 6) == (0, 0))
        #expect(TopGlyphs.bar(share: 0.001, waiting: 0, width: 6) == (1, 0))
        #expect(TopGlyphs.bar(share: 0.999, waiting: 1, width: 6) == (0, 5))
        #expect(TopGlyphs.bar(share: 1, waiting: 0.5, width: 6) == (3, 3))
        #expect(TopGlyphs.bar(share: .infinity, waiting: 0, width: 6) == (6, 0))
        let glyphs = TopGlyphs(isUTF8: true)
        let sparks = [0, 1, 31, 32, 254, 255].map { level in
            TextBuffer.text { $0.append(glyphs.spark(level)) }
        }
        #expect(sparks == [" ", "▁", "▁", "▂", "█", "█"])
    }

    @Test func numbersFit() {
        for (number, text) in [
            (0, "0"), (999_999, "999,999"), (1_000_000, "1,000k"), (999_999_999, "999,999k"),
            (1_000_000_000, "1,000M"), (Int.max, "999,999M"),
        ] {
            #expect(TextBuffer("\(compact: number)").text == text)
        }
        #expect(TextBuffer("\(compactShare: 0.9999)").text == "99.9%")
        #expect(TextBuffer("\(compactShare: .infinity)").text == "100.0%")
        #expect(TextBuffer("\(clock: 3_723_000_000_000)").text == "1:02:03")
    }
}
