import Foundation
import Testing

@testable import Events
@testable import PortModel
@testable import Report

@Suite struct AdviceTextTests {
    private func text(_ advice: [Advice]) -> String {
        let whole = Sample.text(Sample.summary(advising: advice))
        return String(whole.dropFirst(Sample.text(Sample.summary(of: Ledger())).count))
    }

    private func text(_ seen: Advice.TupleEvidence, _ pools: Summary.BindPoolRow...) -> String {
        text(Advice.given([seen], pools))
    }

    private static let heading = "  advice  what would have helped, most useful first"

    // MARK: The whole

    @Test func nothingForNothing() { #expect(text([]).isEmpty) }

    @Test func ofALoadTest() {
        #expect(
            text(Self.loadTest) == """

                \(Self.heading)
                  10.0.0.1 → 10.0.0.9:80  wrk[4123]
                     9,000 connects failed; 28,232 of the 28,232 usable ports were held at the
                     peak, and 13,400 connections a second take 787,962
                  1. 15,058 of the 28,190 TIME_WAITs at the peak were older than 1,000 ms and
                     could have been used again, but tcp_tw_reuse is 2 (loopback only). Used
                     again, they sustain 28,144 connections a second, if the peer has timestamps
                     on, too. That is enough.
                       sysctl -w net.ipv4.tcp_tw_reuse=1
                  2. 41,200 connections lived 3.1 ms and carried 412 bytes on average: keep them
                     open and use them again (keep-alive). A pool of 42 would have done, with 42
                     ports instead of 28,232.
                  3. 98.0 % of 40,000 connections were closed by this side first; so at the peak
                     28,190 of the 28,232 ports were in TIME_WAIT, for 60 s each
                     (tcp_fin_timeout does not shorten that). If the peer closes first, the port
                     is free at once. (With HTTP: let the server end it, and close only after
                     its end was read.)
                  4. 28 source addresses, or 28 addresses or ports of the peer, would have done:
                     each pair has 28,232 ports. Bind to the source addresses in turn, with
                     IP_BIND_ADDRESS_NO_PORT, and port 0.
                       setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)
                  5. 36,280 more ports are usable in the range 1024-65535 than in 32768-60999;
                     it sustains 1,097 connections a second. Alone, that meets 8.1 % of the
                     demand. First reserve in it what services listen on
                     (net.ipv4.ip_local_reserved_ports).
                       sysctl -w net.ipv4.ip_local_port_range="1024 65535"

                """)
    }

    @Test func ofABoundClient() {
        #expect(
            text(Self.boundClient, Self.bindPool) == """

                \(Self.heading)
                  bind() to 10.0.0.1, port 0  envoy[977]
                     4,100 binds failed; 28,231 of the 28,232 usable ports were held at the peak
                  1. 28,231 ports were taken by bind() with port 0, which takes one for all
                     peers together. With IP_BIND_ADDRESS_NO_PORT set before bind(), connect()
                     chooses the port, and one port serves many peers.
                       setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)

                """)
    }

    @Test func ofARangeWithHolesIn() {
        #expect(
            text(Self.reserved) == """

                \(Self.heading)
                  10.0.0.1 → 10.0.0.9:80  wrk[4123]
                     310 connects failed; 1,032 of the 1,032 usable ports were held at the peak,
                     and 130 connections a second take 7,995
                  1. 850 of the 980 TIME_WAITs at the peak were older than 1,000 ms and could
                     have been used again, but tcp_tw_reuse is 2 (loopback only). Used again,
                     they sustain 412 connections a second, if the peer has timestamps on, too.
                     That is enough.
                       sysctl -w net.ipv4.tcp_tw_reuse=1
                  2. 27,200 of the 28,232 ports in the range 32768-60999 are not for connect():
                     27,000 are reserved (net.ipv4.ip_local_reserved_ports), 200 are held by
                     listeners and other binds of nginx[812]. Move them out of the range, or the
                     range away from them. That is enough.
                  3. 36,249 more ports are usable in the range 1024-65535 than in 32768-60999;
                     it sustains 606 connections a second. That is enough. First reserve in it
                     what services listen on (net.ipv4.ip_local_reserved_ports).
                       sysctl -w net.ipv4.ip_local_port_range="1024 65535"
                  4. 1,900 connections lived 1.5 s on average: keep them open and use them again
                     (keep-alive). A pool of 195 would have done, with 195 ports instead of
                     1,032.
                  5. 100.0 % of 1,890 connections were closed by this side first; so at the peak
                     980 of the 1,032 ports were in TIME_WAIT, for 60 s each (tcp_fin_timeout
                     does not shorten that). If the peer closes first, the port is free at once.
                     (With HTTP: let the server end it, and close only after its end was read.)
                  6. 8 source addresses, or 8 addresses or ports of the peer, would have done:
                     each pair has 1,032 ports. Bind to the source addresses in turn, with
                     IP_BIND_ADDRESS_NO_PORT, and port 0.
                       setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)

                """)
    }

    // MARK: The parts

    @Test func linesFitInto80Columns() {
        let lines = text(Sample.everyAdvice).split(separator: "\n")
        #expect(lines.count > 90)
        for line in lines { #expect(line.count <= 80, "\(line)") }
        #expect(lines.contains { $0.count == 80 })
    }

    @Test func colourChangesNoText() {
        let event = Sample.summary(advising: Sample.everyAdvice)
        let coloured = Sample.text(event, colour: true)
        #expect(coloured.contains("\u{1b}[1m\(Self.heading)\u{1b}[m\n"))
        #expect(coloured.withoutEscapes == Sample.text(event))
    }

    /// A tuple has one heading, and each namespace but the own is named where a setting is its.
    @Test func ofAnotherNamespace() {
        let text = text(Sample.everyAdvice)
        #expect(text.count(of: "[2001:db8::1] → [2001:db8::9]:443 netns blue\n") == 1)
        #expect(text.count(of: "10.0.0.1 → 10.0.0.9:80  wrk[4123]\n") == 1)
        #expect(text.replacing("\n    ", with: "").count(of: "In netns blue:") == 2)
        #expect(text.count(of: "bind() to 10.0.0.1, port 0 netns blue  wrk[4123]\n") == 1)
    }

    static let reuse: [(TimeWaitRules, Bool, String, String)] = [
        (
            TimeWaitRules(reuse: 0), false, "tcp_tw_reuse is 0 (off).",
            "sysctl -w net.ipv4.tcp_tw_reuse=1"
        ),
        (
            TimeWaitRules(reuse: 0), true, "tcp_tw_reuse is 0 (off).",
            "sysctl -w net.ipv4.tcp_tw_reuse=2"
        ),
        (
            TimeWaitRules(reuse: 2), false, "tcp_tw_reuse is 2 (loopback only).",
            "sysctl -w net.ipv4.tcp_tw_reuse=1"
        ),
        (
            TimeWaitRules(reuse: 1, timestamps: false), false,
            "tcp_tw_reuse is 1, without effect, and tcp_timestamps, which it needs, is off.",
            "sysctl -w net.ipv4.tcp_timestamps=1"
        ),
        (
            TimeWaitRules(reuse: 2, timestamps: false), true,
            "tcp_tw_reuse is 2, without effect, and tcp_timestamps, which it needs, is off.",
            "sysctl -w net.ipv4.tcp_timestamps=1"
        ),
        (
            TimeWaitRules(reuse: 2, timestamps: false), false,
            "tcp_tw_reuse is 2 (loopback only), and tcp_timestamps, which it needs, is off.",
            "sysctl -w net.ipv4.tcp_timestamps=1 net.ipv4.tcp_tw_reuse=1"
        ),
    ]

    @Test(arguments: reuse)
    func timeWaitReuse(_ rules: TimeWaitRules, _ loopback: Bool, _ said: String, _ setting: String)
    {
        let advice = Advice(
            kind: .timeWaitReuse(
                rules: rules, loopback: loopback, timeWait: 2, reusable: 1, rate: 1),
            scope: .tuple(Sample.tuple), process: .unknown, failed: 1, peak: 2, usable: 2)
        let text = text([advice])
        #expect(text.replacing("\n     ", with: " ").contains(said))
        #expect(text.hasSuffix("\n       \(setting)\n"))
    }

    @Test func asJSON() throws {
        let all =
            Advice.given([Self.boundClient], [Self.bindPool])
            + Advice.given([Self.loadTest], [], limit: 1)
        let json = Sample.json(Sample.summary(advising: all))
        let start = try #require(json.range(of: #""advice":"#)).lowerBound
        #expect(
            json[start...] == """
                "advice":[\
                {"kind":"bind_address_no_port","netns":"4026531840","local":"10.0.0.1",\
                "top_process":{"pid":977,"comm":"envoy"},"failed":4100,"peak":28231,\
                "usable":28232,"connects_blocked":0,\
                "setting":"setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)",\
                "others":0},\
                {"kind":"tcp_tw_reuse","netns":"4026531840","local":"10.0.0.1",\
                "remote":"10.0.0.9","remote_port":80,"top_process":{"pid":4123,"comm":"wrk"},\
                "failed":9000,"peak":28232,"usable":28232,"rate_per_s":13400.0,"needed":787962,\
                "covers_percent":100.0,"tw_reuse":2,"tw_reuse_delay_ms":1000,"timestamps":true,\
                "loopback":false,"time_wait":28190,"reusable":15058,"sustains_per_s":28144,\
                "setting":"sysctl -w net.ipv4.tcp_tw_reuse=1","others":0}]}

                """)
    }

    // MARK: What was seen

    private static func seen(_ change: (inout Advice.TupleEvidence) -> Void)
        -> Advice.TupleEvidence
    {
        var seen = Advice.TupleEvidence(
            tuple: Sample.tuple, range: Sample.range, usable: 28_232, namespaceRange: Sample.range)
        seen.process = Sample.process
        change(&seen)
        return seen
    }

    /// Without keep-alive, in the default range.
    private static let loadTest = seen {
        $0.opened = 41_200
        $0.closed = 40_000
        $0.closedIntoTimeWait = 39_200
        $0.failed = [.exhausted: 9000]
        $0.lived = Advice.Lifetime(mean: 3_100_000, count: 40_000)
        $0.meanBytes = 412
        $0.peak = PortUsage(held: 28_232, timeWait: 28_190, usable: 28_232)
        $0.peakRate = 13_400
        $0.meanRate = 900
    }

    /// One of the peers of a client that binds to its source address.
    private static let boundClient = seen {
        $0.opened = 14_000
        $0.closed = 13_900
        $0.closedIntoTimeWait = 13_900
        $0.lived = Advice.Lifetime(mean: 12_000_000, count: 13_900)
        $0.peak = PortUsage(held: 13_950, timeWait: 13_850, usable: 28_232)
        $0.peakRate = 800
        $0.meanRate = 235
    }
    private static let bindPool = Summary.BindPoolRow(
        key: BindPool.Key(netns: Sample.tuple.netns, local: Sample.tuple.local), usable: 28_232,
        peak: 28_231, failed: 4100,
        processes: [
            Callers.Share(
                process: ProcessID(pid: 977, name: ProcessID.Name("envoy")), opened: 28_231,
                failed: 4100)
        ])

    /// Most of the range is taken out of it.
    private static let reserved = seen {
        $0.opened = 1900
        $0.closed = 1890
        $0.closedIntoTimeWait = 1890
        $0.failed = [.blocked: 310]
        $0.lived = Advice.Lifetime(mean: 1_500_000_000, count: 1890)
        $0.usable = 1032
        $0.blocked = Advice.Blocked(reserved: 27_000, bound: 200)
        $0.blockedInWidest = Advice.Blocked(reserved: 27_000, bound: 231)
        $0.holders = [ProcessID(pid: 812, name: ProcessID.Name("nginx"))]
        $0.peak = PortUsage(held: 1032, timeWait: 980, usable: 1032)
        $0.peakRate = 130
        $0.meanRate = 40
    }
}

extension String {
    fileprivate func count(of part: String) -> Int { components(separatedBy: part).count - 1 }
}
