import Foundation
import PortModel
import Testing

@testable import Events
@testable import Report

/// What each line of the sample has after its kind.
private let time = #""time":"2026-11-22T17:16:05.123456Z""#
private let tuple =
    #""netns":"4026531840","local":"10.0.0.1","remote":"10.0.0.9","remote_port":80"#
private let process = #""pid":4123,"comm":"wrk""#
private let pool = #""netns":"4026531840","local":"10.0.0.1""#
private let all =
    #""held":28232,"time_wait":28000,"reusable":0,"usable":28232,"available":0"#
private let full = #""held":28232,"usable":28232,"available":0"#
private let wall = #""range":[32768,60999],"reserved":0,"bound":0"#
private let range = #""range":[32768,60999]"#
private let empty = #""at_peak":{"time_wait":0,"reusable":0,"usable":28232,"available":28232}"#
private func opened(_ opened: Int, failed: Int = 0, causes: String = "") -> String {
    let calls = #""opened":\#(opened),"failed":\#(failed),"causes":{\#(causes)}}]"#
    return #""names":[{"comm":"wrk","processes":1,\#(calls),"processes":[{\#(process),\#(calls)"#
}
private let held = #""held":14117,"usable":28232"#

@Suite struct JSONWriterTests {
    @Test func start() {
        let start = Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: ["one", "two"])
        #expect(
            Sample.json(.start(start))
                == #"{"event":"start",\#(time),"format":1,"version":"1.2.3","kernel":"6.18.44","#
                + #""command":[],"utc_offset_s":0,"warn_at":[],"hooks":["one","two"]}"# + "\n")
    }

    @Test func startOfAKnownHost() {
        #expect(
            Sample.json(.start(Sample.start))
                == #"{"event":"start",\#(time),"format":1,"version":"1.2.3","host":"web-7","#
                + #""kernel":"6.18.44","machine":"x86_64","cpus":2,"command":["portgauge","#
                + #""--record","a b"],"netns_inode":4026531840,"utc_offset_s":3600,"#
                + #""warn_at":[50,66,90],"hooks":["one"]}"# + "\n")
    }

    @Test func open() {
        #expect(
            Sample.json(Sample.connection(.opened, port: 0))
                == #"{"event":"open",\#(time),\#(tuple),\#(process),\#(held)}"# + "\n")
    }

    @Test func openOfABoundPort() {
        #expect(
            Sample.json(Sample.connection(.opened, port: 5000))
                == #"{"event":"open",\#(time),\#(tuple),"local_port":5000,\#(process),\#(held)}"#
                + "\n")
    }

    static let connections: [(Change.Kind, String)] = [
        (.established, "established"), (.released, "release"),
    ]

    @Test(arguments: connections)
    func connection(kind: Change.Kind, name: String) {
        #expect(
            Sample.json(Sample.connection(kind))
                == #"{"event":"\#(name)",\#(time),\#(tuple),"local_port":43210,\#(process),"#
                + #"\#(held)}"# + "\n")
    }

    static let closes: [(Bool, UInt64?, UInt16?, String)] = [
        (true, 5_600_999, nil, #""time_wait":true,"lived_us":5600"#),
        (true, nil, nil, #""time_wait":true"#),
        (false, 0, nil, #""time_wait":false,"lived_us":0"#),
        (false, 94_000, 111, #""time_wait":false,"lived_us":94,"error":"ECONNREFUSED""#),
        (false, nil, 999, #""time_wait":false,"error":"errno 999""#),
    ]

    @Test(arguments: closes)
    func close(timeWait: Bool, lived: UInt64?, error: UInt16?, expected: String) {
        let kind = Change.Kind.closed(timeWait: timeWait, lived: lived, error: error)
        #expect(
            Sample.json(Sample.connection(kind))
                == #"{"event":"close",\#(time),\#(tuple),"local_port":43210,\#(process),"#
                + #"\#(held),\#(expected)}"# + "\n")
    }

    static let failures: [(Event, String)] = [
        (
            Sample.failure(.exhausted),
            #""errno":"EADDRNOTAVAIL","cause":"exhausted",\#(process),\#(tuple),\#(all),\#(wall),"#
                + #""search_us":12345,"count":1"#
        ),
        (
            Sample.failure(.exhausted, repeated: 9),
            #""errno":"EADDRNOTAVAIL","cause":"exhausted",\#(process),\#(tuple),\#(all),\#(wall),"#
                + #""search_us":12345,"count":9"#
        ),
        (
            Sample.failure(.collision, port: 5000),
            #""errno":"EADDRNOTAVAIL","cause":"collision",\#(process),\#(tuple),"#
                + #""local_port":5000,\#(all),\#(wall),"search_us":12345,"count":1"#
        ),
        (
            Sample.failure(
                .blocked, usage: PortUsage(held: 3, timeWait: 2, reusable: 1, usable: 2),
                limit: Sample.limit, search: nil),
            #""errno":"EADDRNOTAVAIL","cause":"blocked",\#(process),\#(tuple),"held":3,"#
                + #""time_wait":2,"reusable":1,"usable":2,"available":0,"range":[32768,60999],"#
                + #""reserved":1024,"bound":27208,"holders":[{"pid":99,"comm":"envoy","#
                + #""ports":27000},{"pid":0,"comm":"","ports":208}],"count":1"#
        ),
        (
            Sample.failure(.noAddress, usage: PortUsage(usable: 0), limit: nil, search: nil),
            #""errno":"EADDRNOTAVAIL","cause":"no_address",\#(process),\#(tuple),"held":0,"#
                + #""time_wait":0,"reusable":0,"usable":0,"available":0,"count":1"#
        ),
        (
            Sample.failure(.noMemory, limit: nil, search: nil),
            #""errno":"ENOMEM","cause":"no_memory",\#(process),\#(tuple),\#(all),"count":1"#
        ),
    ]

    @Test(arguments: failures.indices) func failure(index: Int) {
        let (event, expected) = Self.failures[index]
        #expect(
            Sample.json(event)
                == #"{"event":"failure",\#(time),"call":"connect",\#(expected)}"# + "\n")
    }

    static let bindFailures: [(Event, String)] = [
        (
            Sample.failure(.exhausted, .bind),
            #""cause":"exhausted",\#(process),\#(pool),\#(full),\#(wall),"count":1"#
        ),
        (
            Sample.failure(.collision, .bind, port: 8080, limit: nil),
            #""cause":"collision",\#(process),\#(pool),"local_port":8080,\#(full),"count":1"#
        ),
    ]

    @Test(arguments: bindFailures.indices) func bindFailure(index: Int) {
        let (event, expected) = Self.bindFailures[index]
        #expect(
            Sample.json(event)
                == #"{"event":"failure",\#(time),"call":"bind","errno":"EADDRINUSE",\#(expected)}"#
                + "\n")
    }

    @Test func bindPool() {
        #expect(
            Sample.json(Sample.bindPool())
                == #"{"event":"bind_pool",\#(time),\#(pool),"held":1,"usable":28230,"failed":1}"#
                + "\n")
    }

    @Test(arguments: [
        (50, 14_117, 14_115, "50.0"), (0, 12_000, 16_232, "42.5"), (90, 28_233, 0, "100.0"),
    ]) func alert(level: Int, count: Int, available: Int, percent: String) {
        let held = #""held":\#(count),"#
        let usable = #""usable":28232,"available":\#(available)"#
        for (event, scope, usage) in [
            (
                Sample.alert(level: level, held: count), tuple,
                held + #""time_wait":0,"reusable":0,"# + usable
            ), (Sample.poolAlert(level: level, held: count), pool, held + usable),
        ] {
            #expect(
                Sample.json(event)
                    == #"{"event":"alert",\#(time),"level":\#(level),"percent":\#(percent),"#
                    + #"\#(scope),\#(usage)}"# + "\n")
        }
    }

    @Test func tick() {
        let load = Load(established: 1, closed: 2, timeWait: 3, errors: [111: 4], failed: 5)
        #expect(
            Sample.json(Sample.tick(load))
                == #"{"event":"tick",\#(time),\#(tuple),"held":4,"time_wait":3,"#
                + #""reusable":0,"usable":28232,"available":28228,"#
                + #""opened":10,"closed":9,"failed":5,"search_us":0}"# + "\n")
    }

    @Test func lost() {
        #expect(Sample.json(.lost(1234)) == #"{"event":"lost",\#(time),"count":1234}"# + "\n")
    }

    @Test func audit() {
        #expect(
            Sample.json(Sample.audit)
                == #"{"event":"audit",\#(time),"netns":"blue","sockets":300000,"drift":3,"#
                + #""took_ms":90.012,"tuples":[{"local":"2001:db8::1","remote":"2001:db8::9","#
                + #""remote_port":443,"drift":-3}]}"# + "\n")
    }

    private let settings =
        #""inode":4026532200,"range":[32768,60999],"reserved":2,"bound":0,"usable":28230,"tw_reuse":2,"#
        + #""tw_reuse_delay_ms":500,"timestamps":true,"max_tw_buckets":65536"#

    @Test func namespace() {
        #expect(
            Sample.json(Sample.namespace(.changed))
                == #"{"event":"namespace",\#(time),"state":"changed","netns":"blue",\#(settings)}"#
                + "\n")
        var ledger = Ledger()
        _ = ledger.apply(
            .namespace(netns: Sample.tupleV6.netns, Sample.namespaceSettings, pid: 0))
        #expect(
            Sample.json(Sample.summary(of: ledger)).contains(
                #""namespaces":[{"netns":"blue",\#(settings)}]"#))
    }

    @Test func summaryOfNothing() {
        #expect(
            Sample.json(Sample.summary(of: Ledger()))
                == #"{"event":"summary",\#(time),"duration_s":61.234,"opened":0,"closed":0,"#
                + #""closed_first":0,"failed":0,"want_of_port":{"connects":0,"binds":0},"#
                + #""otherwise":{"connects":0,"binds":0},"lost":0,"skipped":0,"slipped":0,"audits":0,"largest_drift":0,"#
                + #""last_drift":0,"repairs":0,"complete":true,"lines_dropped":0,"held":0,"#
                + #""time_wait":0,"tuples_omitted":0,"namespaces":[],"bind_pools":[],"refused":[],"#
                + #""tuples":[],"advice":[]}"# + "\n")
    }

    @Test func summary() {
        var ledger = Load(established: 3, timeWait: 2, errors: [111: 2, 101: 1], failed: 5).ledger()
        Load(tuple: Sample.tupleV6, failed: 1).fold(into: &ledger, first: 100)
        let other = Tuple(
            netns: 1, local: Sample.tuple.local, remote: Sample.tuple.remote, remotePort: 1)
        Load(tuple: other, closed: 1).fold(into: &ledger, first: 200)
        Load(tuple: Tuple(netns: 2, local: other.local, remote: other.remote, remotePort: 1))
            .fold(into: &ledger, first: 300)
        let event = Sample.summary(of: ledger, lost: 7, linesDropped: 8, limit: 3)
        #expect(
            Sample.json(event)
                == #"{"event":"summary",\#(time),"duration_s":61.234,"opened":9,"closed":6,"#
                + #""closed_first":2,"failed":6,"want_of_port":{"connects":6,"binds":0},"#
                + #""otherwise":{"connects":0,"binds":0},"lost":7,"skipped":0,"slipped":0,"#
                + #""audits":0,"largest_drift":0,"#
                + #""last_drift":0,"repairs":0,"complete":false,"lines_dropped":8,"held":5,"#
                + #""time_wait":2,"tuples_omitted":0,"namespaces":[],"bind_pools":[],"refused":[],"tuples":["#
                + #"{\#(tuple),"held":5,"time_wait":2,"reusable":0,"#
                + #""usable":28232,"available":28227,\#(range),"peak":5,"#
                + #""peak_at":"2026-11-22T17:16:05.123456Z","at_peak":{"time_wait":2,"reusable":0,"#
                + #""usable":28232,"available":28227},"opened":8,"closed":5,"closed_first":2,"#
                + #""failed":5,"errors":{"ENETUNREACH":1,"ECONNREFUSED":2},"causes":{},"#
                + #""first_failure_at":"2026-11-22T17:16:05.123456Z",\#(opened(8, failed: 5))},"#
                + #"{"netns":"1","local":"10.0.0.1","remote":"10.0.0.9","remote_port":1,"held":0,"#
                + #""time_wait":0,"reusable":0,"usable":28232,"available":28232,\#(range),"peak":1,"#
                + #""peak_at":"2026-11-22T17:16:05.123456Z","at_peak":{"time_wait":0,"reusable":0,"#
                + #""usable":28232,"available":28231},"opened":1,"closed":1,"#
                + #""closed_first":0,"failed":0,"errors":{},"causes":{},\#(opened(1))},"#
                + #"{"netns":"blue","local":"2001:db8::1","remote":"2001:db8::9","#
                + #""remote_port":443,"held":0,"time_wait":0,"reusable":0,"usable":28232,"#
                + #""available":28232,\#(range),"peak":0,\#(empty),"opened":0,"closed":0,"#
                + #""closed_first":0,"failed":1,"errors":{},"causes":{},"#
                + #""first_failure_at":"2026-11-22T17:16:05.123456Z",\#(opened(0, failed: 1))}],"advice":[]}"#
                + "\n")
    }

    @Test func summaryOfWhatWasRefused() {
        let json = Sample.json(Sample.summary(of: Sample.bindPools(failed: 2)))
        #expect(
            json.contains(
                #""bind_pools":[{\#(pool),"held":1,"usable":28230,"peak":1,"failed":2,"#
                    + #"\#(opened(1, failed: 2, causes: #""exhausted":2"#))}],"refused":[{"call":"bind","#
                    + #""cause":"exhausted",\#(pool),\#(process),"count":2},{"call":"bind","#
                    + #""cause":"collision",\#(pool),"local_port":8080,\#(process),"count":1}],"#))
    }

    @Test func summaryTellsTheCauses() {
        var ledger = Ledger()
        _ = ledger.apply(
            .namespace(netns: Sample.tuple.netns, Sample.namespaceSettings, pid: 0))
        Load(established: 5).fold(into: &ledger)
        Load(failed: 3).fold(into: &ledger, first: 50)
        #expect(
            Sample.json(Sample.summary(of: ledger)).contains(
                #""failed":3,"errors":{},"causes":{"exhausted":3},"#))
    }

    @Test func tuplesBeyondTheLimitAreCounted() throws {
        var ledger = Ledger()
        for index in 0..<5 as Range<UInt64> {
            var load = Load(established: Int(index) + 1)
            load.tuple.remotePort += UInt16(index)
            load.fold(into: &ledger, first: 1 + 100 * index)
        }
        let object = try parse(Sample.json(Sample.summary(of: ledger, limit: 2)))
        let tuples = try #require(object["tuples"] as? [[String: Any]])
        #expect(tuples.map { $0["peak"] as? Int } == [5, 4])
        #expect(object["tuples_omitted"] as? Int == 3)
        #expect(object["held"] as? Int == 15)
    }

    @Test func nothingIsSaidOfAnUnknownProcess() {
        #expect(
            Sample.json(Sample.connection(.opened, port: 0, process: .unknown))
                == #"{"event":"open",\#(time),\#(tuple),\#(held)}"# + "\n")
    }

    // MARK: Escaping

    private func parse(_ line: String) throws -> [String: Any] {
        #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1 && line.hasSuffix("\n"))
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        return try #require(value as? [String: Any])
    }

    /// Any byte but NUL, which ends the name, alone and among others.
    @Test(arguments: 1...255 as ClosedRange<UInt8>) func anyByteInAName(byte: UInt8) throws {
        for name in [[byte], [byte, byte], Array("a".utf8) + [byte] + Array("é".utf8)] {
            let line = Sample.json(Sample.connection(.opened, process: Sample.process(name)))
            let comm = try #require(try parse(line)["comm"] as? String)
            #expect(Array(comm.utf8) == Array(String(decoding: name, as: UTF8.self).utf8))
        }
    }

    @Test(arguments: [
        ("quo\"te", #"quo\"te"#), ("back\\slash", #"back\\slash"#),
        ("\n\t\u{1b}", #"\u000a\u0009\u001b"#),
        ("\u{7f}", #"\u007f"#), ("größe", "größe"), ("日本語", "日本語"), ("a/b <c>", "a/b <c>"),
    ]) func namesAreEscaped(name: String, expected: String) {
        let process = Sample.process(Array(name.utf8))
        let line = Sample.json(Sample.connection(.established, process: process))
        #expect(line.contains(#""pid":7,"comm":"\#(expected)","held""#))
    }

    /// The kernel cuts names at 15 bytes, which may be in the middle of a character.
    @Test func whatIsNoUTF8IsReplaced() throws {
        let process = ProcessID(pid: 7, name: ProcessID.Name("fourteen-bytesé"))
        let line = Sample.json(Sample.connection(.established, process: process))
        #expect(try parse(line)["comm"] as? String == "fourteen-bytes\u{fffd}")
    }

    @Test func otherTextsAreEscaped() throws {
        var context = Sample.context
        context.namespaceNames[Sample.tuple.netns] = "a\"b\\c\nd"
        let open = try parse(Sample.json(Sample.connection(.opened), in: context))
        #expect(open["netns"] as? String == "a\"b\\c\nd")
        let start = Event.Start(version: "\"", kernel: "\\", hooks: ["\u{1}"])
        let object = try parse(Sample.json(.start(start)))
        #expect(object["version"] as? String == "\"" && object["kernel"] as? String == "\\")
        #expect(object["hooks"] as? [String] == ["\u{1}"])
    }
}
