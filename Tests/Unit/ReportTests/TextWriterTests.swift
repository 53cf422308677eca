import PortModel
import Testing

@testable import Events
@testable import Report

private let unconnected = "10.0.0.1 → 10.0.0.9:80             14,117/28,232 "
private let connected = "10.0.0.1:43210 → 10.0.0.9:80       14,117/28,232 "
private let full = "10.0.0.1 → 10.0.0.9:80             28,232/28,232 "

@Suite struct TextWriterTests {
    /// One event of each kind, and how it reads.
    static let lines: [(Event, String)] = [
        (
            .start(Event.Start(version: "1.2.3", kernel: "6.18.44", hooks: ["one"])),
            "18:16:05.123 start       portgauge 1.2.3 on Linux 6.18.44: tracing; Ctrl-C ends it with "
                + "a summary\n"
        ),
        (
            Sample.connection(.opened, port: 0),
            "18:16:05.123 open        \(unconnected)wrk[4123]\n"
        ),
        (Sample.connection(.established), "18:16:05.123 established \(connected)wrk[4123]\n"),
        (
            Sample.connection(.closed(timeWait: true, lived: 5_600_000, error: nil)),
            "18:16:05.123 close       \(connected)wrk[4123] 5.6 ms TIME_WAIT\n"
        ),
        (
            Sample.connection(.closed(timeWait: false, lived: 61_234_567_890, error: nil)),
            "18:16:05.123 close       \(connected)wrk[4123] 61.2 s\n"
        ),
        (
            Sample.connection(.closed(timeWait: false, lived: nil, error: nil)),
            "18:16:05.123 close       \(connected)wrk[4123]\n"
        ),
        (
            Sample.connection(.closed(timeWait: false, lived: 94_000, error: 111)),
            "18:16:05.123 close       \(connected)wrk[4123] ECONNREFUSED\n"
        ),
        (Sample.connection(.released), "18:16:05.123 release     \(connected)wrk[4123]\n"),
        (
            Sample.failure(.exhausted),
            "18:16:05.123 FAILURE     \(full)wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, exhausted: 28,000 in TIME_WAIT; "
                + "searched 12.3 ms\n"
        ),
        (
            Sample.failure(
                .exhausted,
                usage: PortUsage(held: 28_232, timeWait: 3, others: 28_223, usable: 28_232)),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1 → 10.0.0.9:80             28,232/28,232 wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, exhausted: 3 in TIME_WAIT, 28,223 by "
                + "others; searched 12.3 ms\n"
        ),
        (
            Sample.portsBack(.tuple(Sample.tuple)),
            "18:16:05.123 PORTS BACK  10.0.0.1 → 10.0.0.9:80             20,000/28,232 8,232 left\n"
                + "             1,200 calls found no port within 12.3 s\n"
        ),
        (
            Sample.failure(.exhausted, repeated: 200, processes: 136),
            "18:16:05.123 FAILURE     \(full)wrk, 136 processes, e.g. 4123\n"
                + "             200 x connect(): EADDRNOTAVAIL, exhausted: 28,000 in TIME_WAIT; "
                + "searched 12.3 ms\n"
        ),
        (
            Sample.failure(.exhausted, repeated: 1234),
            "18:16:05.123 FAILURE     \(full)wrk[4123]\n"
                + "             1,234 x connect(): EADDRNOTAVAIL, exhausted: 28,000 in TIME_WAIT; "
                + "searched 12.3 ms\n"
        ),
        (
            Sample.failure(
                .blocked, usage: PortUsage(held: 3, timeWait: 2, usable: 2), limit: Sample.limit),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1 → 10.0.0.9:80             3/2           wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, blocked: of 32768-60999: 1,024 reserved, "
                + "27,208 bound\n"
                + "             bound by envoy[99] 27,000, - 208\n"
        ),
        (
            Sample.failure(
                .range, usage: PortUsage(held: 2, usable: 2),
                limit: Failure.Limit(
                    range: PortRange(low: 45_000, high: 45_001), reserved: 0, bound: 0)),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1 → 10.0.0.9:80             2/2           wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, range: its own 45000-45001 is full; "
                + "searched 12.3 ms\n"
        ),
        (
            Sample.failure(.collision, port: 5000),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1:5000 → 10.0.0.9:80        28,232/28,232 wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, collision: its port has a connection there "
                + "already\n"
        ),
        (
            Sample.failure(.noAddress, usage: PortUsage(usable: 0), limit: nil, search: nil),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1 → 10.0.0.9:80             0/0           wrk[4123]\n"
                + "             connect(): EADDRNOTAVAIL, no_address: no local address to connect "
                + "from\n"
        ),
        (
            Sample.failure(.noMemory, usage: PortUsage(held: 2, usable: 28_232)),
            "18:16:05.123 FAILURE     "
                + "10.0.0.1 → 10.0.0.9:80             2/28,232      wrk[4123]\n"
                + "             connect(): ENOMEM, no_memory: the kernel had none for it; "
                + "searched 12.3 ms\n"
        ),
        (
            Sample.failure(.exhausted, .bind),
            "18:16:05.123 FAILURE     "
                + "bind 10.0.0.1                      28,232/28,232 wrk[4123]\n"
                + "             bind(): EADDRINUSE, exhausted: IP_BIND_ADDRESS_NO_PORT leaves it to "
                + "connect()\n"
        ),
        (
            Sample.failure(
                .collision, .bind, port: 8080, usage: PortUsage(held: 1, usable: 28_232)),
            "18:16:05.123 FAILURE     "
                + "bind 10.0.0.1:8080                 1/28,232      wrk[4123]\n"
                + "             bind(): EADDRINUSE, collision: that port is in use\n"
        ),
        (
            Sample.failure(
                .noAddress, .bind, usage: PortUsage(usable: 28_232), inferred: true),
            "18:16:05.123 FAILURE     "
                + "bind 10.0.0.1                      0/28,232      wrk[4123]\n"
                + "             bind(): EADDRNOTAVAIL (inferred), no_address: that address is not "
                + "there\n"
        ),
        (
            Sample.poolAlert(level: 90, held: 28_000),
            "18:16:05.123 ALERT       "
                + "bind 10.0.0.1                      28,000/28,232 99.1 % held, crossed 90 %\n"
        ),
        (
            Sample.alert(level: 50, held: 28_000, timeWait: 20_000, reusable: 13_883),
            "18:16:05.123 ALERT       "
                + "10.0.0.1 → 10.0.0.9:80             28,000/28,232 50.0 % used, crossed 50 %\n"
                + "             from here on connect() searches some 100 times longer for a port; so far < 100 µs\n"
        ),
        (
            Sample.bindPool(),
            "18:16:05.123 1 s         "
                + "bind 10.0.0.1                      1/28,230      wrk[4123]\n"
        ),
        (
            Sample.alert(level: 50, held: 14_117),
            "18:16:05.123 ALERT       \(unconnected)50.0 % held, crossed 50 %\n"
                + "             from here on connect() searches some 100 times longer for a port; so far < 100 µs\n"
        ),
        (
            Sample.alert(level: 66, held: 18_820, Sample.forecast, longSearch: 2_247_000),
            "18:16:05.123 ALERT       "
                + "10.0.0.1 → 10.0.0.9:80             18,820/28,232 66.6 % held, crossed 66 %\n"
                + "             full in 14 s at 1,012 ports/s; sustainable: 471/s\n"
                + "             connect() searches for a port for 2.2 ms\n"
        ),
        (
            Sample.alert(level: 0, held: 12_000),
            "18:16:05.123 recovered   "
                + "10.0.0.1 → 10.0.0.9:80             12,000/28,232 42.5 % held\n"
        ),
        (
            Sample.tick(Load(closed: 1500)),
            "18:16:05.123 1 s         "
                + "10.0.0.1 → 10.0.0.9:80             0/28,232      +1,500 -1,500\n"
        ),
        (
            Sample.tick(Load(established: 1, timeWait: 2, failed: 3)),
            "18:16:05.123 1 s         "
                + "10.0.0.1 → 10.0.0.9:80             3/28,232      +3 -2 failed 3 tw 2\n"
        ),
        (
            .lost(1234),
            "18:16:05.123 LOST        1,234 records: the ring buffer was full; the counts are "
                + "made exact again\n"
        ),
        (
            Sample.audit,
            "18:16:05.123 audit       300,000 connections in the kernel's table, drift 3, "
                + "took 90.0 ms netns blue\n"
                + "             [2001:db8::1] → [2001:db8::9]:443: corrected, "
                + "3 more held than counted\n"
        ),
        (
            Sample.namespace(.changed),
            "18:16:05.123 namespace   blue now has ports 32768-60999 (2 reserved), "
                + "tw_reuse 2 after 500 ms, max 65,536 TIME_WAITs\n"
        ),
        (Sample.namespace(.gone), "18:16:05.123 namespace   blue is gone\n"),
    ]

    @Test(arguments: lines.indices) func linesReadSo(index: Int) {
        #expect(Sample.text(Self.lines[index].0) == Self.lines[index].1)
    }

    @Test(arguments: lines.indices) func colourChangesNoText(index: Int) {
        let coloured = Sample.text(Self.lines[index].0, colour: true)
        #expect(coloured.contains("\u{1b}["))
        #expect(coloured.withoutEscapes == Self.lines[index].1)
        #expect(!Self.lines[index].1.contains("\u{1b}"))
    }

    @Test func whatNeedsActionIsInAColourOfItsOwn() {
        let failure = Sample.text(Sample.failure(.exhausted), colour: true)
        #expect(failure.contains("\u{1b}[1;31mFAILURE     \u{1b}[m"))
        let alert = Sample.text(Sample.alert(level: 50, held: 14_117), colour: true)
        #expect(alert.contains("\u{1b}[33mALERT       \u{1b}[m"))
    }

    // MARK: Columns

    static let narrow: [Event] = [
        Sample.connection(.opened, port: 0), Sample.connection(.established),
        Sample.connection(.released),
        Sample.connection(.closed(timeWait: false, lived: 999_000_000, error: nil)),
        Sample.alert(level: 0, held: 12_000),
        Sample.failure(.collision, port: 60_999, repeated: 9999),
        Sample.failure(.exhausted, repeated: 9999), Sample.failure(.range, repeated: 9999),
        Sample.failure(
            .blocked, process: ProcessID(pid: 123_456, name: ProcessID.Name("fifteen-letters")),
            limit: Sample.limit, repeated: 9999),
        Sample.failure(.noAddress, search: nil, repeated: 9999),
        Sample.failure(.noMemory, repeated: 9999),
        Sample.failure(.exhausted, .bind, repeated: 9999),
        Sample.failure(.collision, .bind, port: 60_999, repeated: 9999),
        Sample.alert(level: 90, held: 28_232, timeWait: 10, reusable: 5),
        Sample.poolAlert(level: 90, held: 28_232), Sample.bindPool(),
        Sample.tick(Load(closed: 9999, timeWait: 1)), .lost(9999),
    ]

    @Test(arguments: narrow.indices) func linesFitInto100Columns(index: Int) {
        let text = Sample.text(Self.narrow[index])
        #expect(text.split(separator: "\n").map(\.count).max() ?? 0 <= 100, "\(text)")
        #expect(text.hasSuffix("\n"))
    }

    /// A longer tuple or count moves what follows, and is not cut off.
    @Test func longTuplesAreWritten() {
        let event = Sample.connection(.established, tuple: Sample.tupleV6)
        #expect(
            Sample.text(event)
                == "18:16:05.123 established [2001:db8::1]:43210 → [2001:db8::9]:443 "
                + "14,117/28,232 wrk[4123] netns blue\n")
    }

    // MARK: Names

    @Test func theOwnNamespaceGoesWithoutSaying() {
        var context = Sample.context
        let event = Sample.alert(level: 0, held: 12_000)
        #expect(!Sample.text(event, in: context).contains("netns"))
        context.ownNamespace = 1
        #expect(Sample.text(event, in: context).hasSuffix(" % held netns 4026531840\n"))
        context.ownNamespace = nil
        context.namespaceNames[Sample.tuple.netns] = "red"
        #expect(Sample.text(event, in: context).hasSuffix(" % held netns red\n"))
    }

    static let hosts: [(String, String)] = [
        ("db.test", "db.test:80 "), ("\u{1b}[2J", "\\x1b[2J:80 "), ("é", "\\xc3\\xa9:80 "),
        (String(repeating: "x", count: 48), String(repeating: "x", count: 48) + ":80 "),
        (String(repeating: "x", count: 49), String(repeating: "x", count: 48) + "…:80 "),
    ]

    /// In text only, and not of what is on this side.
    @Test(arguments: hosts) func peersMayHaveNames(name: String, expected: String) {
        var context = Sample.context
        context.hostName = { $0 == Sample.tuple.remote ? name : nil }
        let event = Sample.connection(.established)
        #expect(
            Sample.text(event, in: context).hasPrefix(
                "18:16:05.123 established 10.0.0.1:43210 → " + expected))
        #expect(Sample.json(event, in: context) == Sample.json(event))
        let summary = Sample.summary(of: Load(established: 1, failed: 1).ledger())
        let text = Sample.text(summary, in: context)
        let named = text.split(separator: "\n").filter {
            $0.contains("  10.0.0.1 → " + expected.dropLast())
        }
        #expect(named.count == 2)
        #expect(!text.contains("10.0.0.9"))
    }

    static let unruly: [([UInt8], String)] = [
        ([0x1b, 0x5b, 0x33, 0x31, 0x6d], "\\x1b[31m[7]\n"), ([0x0a], "\\x0a[7]\n"),
        ([0x61, 0x9b, 0xff], "a\\x9b\\xff[7]\n"), ([0x5c], "\\x5c[7]\n"),
    ]

    @Test(arguments: unruly)
    func noNameReachesTheTerminal(name: [UInt8], expected: String) {
        let text = Sample.text(Sample.connection(.established, process: Sample.process(name)))
        #expect(text.hasSuffix(" 14,117/28,232 " + expected))
        #expect(!text.contains("\u{1b}") && text.split(separator: "\n").count == 1)
    }

    @Test func anUnknownProcessIsADash() {
        let text = Sample.text(Sample.connection(.released, process: .unknown))
        #expect(text == "18:16:05.123 release     \(connected)-\n")
    }
}

extension String {
    /// Without what colours it.
    var withoutEscapes: String { replacing(/\u{1b}\[[0-9;]*m/, with: "") }
}
