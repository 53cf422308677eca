import Foundation
import Testing

@testable import Events
@testable import PortModel
@testable import Report

@Suite struct HTMLWriterTests {
    static let hostile = "</script><!--<img src=x onerror=alert(1)>\"'&\u{2028}"
    static let hostileProcess = Sample.process(Array("\"'><img src=x>&".utf8))

    private let failing = ReportSample.report([.init(port: 80, rate: 612)])

    private func verdict(_ reports: [RunReport]) -> String {
        String(HTMLText(reports).between("<h1>", "</h1>")).replacing(/<[^>]*>/, with: "")
    }

    @Test func theVerdictSaysWhoRanOut() {
        #expect(
            verdict([failing])
                == "18,446 connects failed for want of a port: 10.0.0.1 → 10.0.0.9:80 held all 28,232"
                + " usable ports at 18:16:52.")
    }

    @Test func theVerdictSaysWhoIsNear() {
        #expect(
            verdict([ReportSample.report([.init(port: 80, rate: 340)])])
                == "No port ran out, but 10.0.0.1 → 10.0.0.9:80 held 20,944 of 28,232 usable ports"
                + " (74.1 %) at 18:17:27.")
    }

    @Test func theVerdictSaysThatAllIsWell() {
        #expect(
            verdict([ReportSample.report([.init(port: 80, rate: 4)])]).hasPrefix(
                "No port ran out; the fullest"))
        #expect(verdict([ReportSample.report([])]) == "No outgoing connection was seen.")
    }

    @Test func theVerdictTellsHeldFromUsedUp() {
        var report = ReportSample.report([.init(port: 80, rate: 340)])
        report.summary.tuples[0].peak.usage = PortUsage(
            held: 28_232, timeWait: 28_000, reusable: 13_000, usable: 28_232)
        #expect(
            verdict([report]).contains(
                "held 28,232 of 28,232 usable ports (13,000 of them for use again) at"))
    }

    @Test func whatFailedOtherwiseIsNoWantOfPorts() {
        var report = ReportSample.report([])
        report.summary.otherErrors.binds = 1
        #expect(
            HTMLText([report]).between("<h1>", "</header>").contains(
                "<p>1 call failed, but not for want of a port: see the failures by process.</p>"))
    }

    @Test func theVerdictOfSeveralHostsNamesTheWorst() {
        let calm = ReportSample.report(host: "web-2", [.init(port: 80, rate: 4)])
        #expect(verdict([calm, failing]).contains("port: web-1: 10.0.0.1 → 10.0.0.9:80 held all"))
    }

    @Test func bindsFailToo() {
        var report = ReportSample.report([])
        report.summary.portExhaustion.binds = 12
        var pool = Summary.BindPoolRow(
            key: Sample.bindPool, used: 64, usable: 64, peak: 64, failed: 12)
        pool.processes = [Callers.Share(process: Sample.process, opened: 64, failed: 12)]
        report.summary.bindPools = [pool]
        #expect(
            verdict([report])
                == "12 binds failed for want of a port: bind() to 10.0.0.1 held all 64 usable ports."
        )
        #expect(HTMLText([report]).between("id=\"pools\"", "</table>").contains("wrk[4123]"))
    }

    @Test func processesOfOneNameShareARow() {
        var report = failing
        let failed = report.summary.tuples[0].totals.failed
        var name = Callers.NameShare(name: Sample.process.name, processes: 40)
        (name.failed, name.causes) = (failed, [.exhausted: failed])
        report.summary.tuples[0].names = [name]
        let failures = HTMLText([report]).between("id=\"failures\"", "</table>")
        #expect(failures.contains("<td>wrk, 40 processes, e.g. 4123</td>"))
        #expect(HTMLText([report]).between("id=\"tuples\"", "</table>").contains(">wrk</small>"))
    }

    // MARK: Escaping

    @Test func nothingFromOutsideBecomesMarkup() throws {
        var report = ReportSample.report(
            host: Self.hostile, [.init(port: 80, rate: 612, process: Self.hostileProcess)])
        report.start?.command = [Self.hostile]
        report.start?.kernel = Self.hostile
        report.start?.version = Self.hostile
        report.summary.tuples[0].tuple.netns = 7
        report.series[0].scope = .tuple(report.summary.tuples[0].tuple)
        report.context.namespaceNames[7] = Self.hostile
        let page = HTMLText([report, report])
        #expect(page.count("<img") == 0 && page.count("<!--") == 0)
        #expect(page.count("</script") == 2)
        let data = try Self.data(page)
        let tuple = try #require((data["tuples"] as? [[String: Any]])?.first)
        let host = Self.hostile.replacing("\u{2028}", with: "\\xe2\\x80\\xa8")
        #expect((tuple["name"] as? String)?.hasPrefix(host + ": 10.0.0.1") == true)
        #expect(tuple["process"] as? String == "\"'><img src=x>&[7]")
        try Self.expectBalanced(page)
    }

    // MARK: Structure

    @Test func eachElementIsClosed() throws {
        var report = failing
        report.reading.unreadable = 3
        report.ending = .summaryAt(ReportSample.began)
        report.summary.accuracy.lost = 5
        try Self.expectBalanced(HTMLText([report]))
        try Self.expectBalanced(HTMLText([report, failing]))
        try Self.expectBalanced(HTMLText([ReportSample.report([])]))
    }

    @Test func aPageNeedsNothingElse() {
        let page = HTMLText([failing])
        #expect(page.text.contains("content=\"default-src 'none'; style-src 'unsafe-inline';"))
        for word in ["http://", "https://", "src=", "@import", "url("] {
            // The name of SVG's elements is no address that is asked.
            let own = word == "http://" ? page.count("http://www.w3.org/2000/svg") : 0
            #expect(page.count(word) == own, "\(word)")
        }
    }

    @Test func whatIsNotKnownIsSaid() {
        var report = failing
        report.reading.isTruncated = true
        report.ending = .summaryAt(ReportSample.began)
        report.summary.accuracy.lost = 5
        let page = HTMLText([report])
        for text in [
            "The recording breaks off; the totals are those of 18:16:05.",
            "Its last line was cut off.", "totals by tuple are lower bounds.",
            "<td class=\"bad\">5</td>",
        ] {
            #expect(page.count(text) == 1, "\(text)")
        }
    }

    @Test func eachHostHasAColumn() {
        let page = HTMLText([failing, failing, ReportSample.report(host: "", [])])
        let head = page.between("<h2>Accuracy</h2>", "</thead>")
        #expect(
            head.components(separatedBy: "scope=\"col\">").dropFirst().map {
                $0.components(separatedBy: "<")[0]
            } == ["web-1", "web-1#2", "host"])
    }

    // MARK: Charts

    @Test func seriesAreAllOfOneLength() throws {
        let data = try Self.data(HTMLText([failing]))
        let tuple = try #require((data["tuples"] as? [[String: Any]])?.first)
        for name in ["held", "timeWait", "opened", "failed"] {
            #expect((tuple[name] as? [Int])?.count == 140, "\(name)")
        }
        #expect((tuple["held"] as? [Int])?.max() == 28_232)
        #expect(tuple["usable"] as? [[Int]] == [[0, 28_232]])
        #expect(tuple["start"] as? Double == 1 && tuple["step"] as? Int == 1)
        let marks = try #require(tuple["marks"] as? [[Any]])
        #expect(marks.map { $0[2] as? String } == ["50 %", "90 %", "first failure"])
    }

    @Test func hostsHaveOneAxisOfTime() throws {
        var late = failing
        late.startedAt += 30_500_000_000
        late.endedAt += 30_500_000_000
        let data = try Self.data(HTMLText([late, failing]))
        let tuples = try #require(data["tuples"] as? [[String: Any]])
        #expect(tuples.map { $0["start"] as? Double } == [31.5, 1])
        #expect(data["seconds"] as? Double == 170.5)
        #expect(data["begin"] as? UInt64 == ReportSample.began / 1_000_000)
    }

    @Test func anHourOf500TuplesIsSmall() throws {
        let page = HTMLText([ReportSample.crowd(500)])
        #expect(page.text.utf8.count < 3_000_000)
        let tuples = try #require(try Self.data(page)["tuples"] as? [[String: Any]])
        #expect(tuples.count == 500)
        for tuple in tuples {
            let held = try #require(tuple["held"] as? [Int])
            let peak = try #require(tuple["peak"] as? [String: Any])
            // Taken together, but no peak is lost by it.
            #expect(held.max() == peak["held"] as? Int)
            let step = try #require(tuple["step"] as? Int)
            #expect(held.count == (3600 + step - 1) / step)
        }
    }

    // MARK: -

    private static func data(_ page: HTMLText) throws -> [String: Any] {
        let json = page.between("id=\"data\">", "</script>")
        return try #require(
            try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    /// Each element ends where it must, in the order of their beginning.
    private static func expectBalanced(_ page: HTMLText) throws {
        var text = page.text.replacing(/<style>[\s\S]*?<\/style>/, with: "")
        text = text.replacing(/(<script[^>]*>)[\s\S]*?<\/script>/, with: "")
        var open: [Substring] = []
        for tag in text.matches(of: /<(\/?)([a-z0-9]+)[^<>]*>/) {
            if ["meta", "input", "br"].contains(tag.2) { continue }
            if tag.1.isEmpty {
                open.append(tag.2)
            } else {
                #expect(open.popLast() == tag.2)
            }
        }
        #expect(open.isEmpty)
        // Nothing else has an angle bracket.
        #expect(
            !text.replacing(/<[!\/a-z][^<>]*>/, with: "").contains(where: { "<>".contains($0) }))
    }
}
