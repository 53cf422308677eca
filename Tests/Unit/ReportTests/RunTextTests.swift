import Testing

@testable import Events
@testable import PortModel
@testable import Report

/// What frames a command's run: what is told before it, and the verdict after it.
@Suite struct RunTextTests {
    private static let second: UInt64 = 1_000_000_000
    private static let now = 1000 * second
    private static let hooks = ["failures are told without their cause"]

    // MARK: The verdict

    /// Of 28,230 usable ports, which `Sample.tuple` had at most 7,058 of: a quarter and a hundredth of
    /// a percent.
    private static func summary(
        failed: Int = 0, binds: Int = 0, collisions: Int = 0, accuracy: Accuracy = Accuracy()
    ) -> Summary {
        var ledger = Sample.bindPools(failed: binds, collisions: collisions)
        Load(established: 58, timeWait: 7000, failed: failed).fold(into: &ledger)
        return Summary(
            of: ledger, duration: second, accuracy: accuracy, linesDropped: 0, limit: 10)
    }

    private func verdict(
        _ conditions: [Verdict.Condition], _ summary: Summary? = summary(), ending: String? = nil,
        losses: [String] = []
    ) -> String {
        let verdict = Verdict(conditions, on: summary, losses: losses)
        return RunText.verdict(verdict, ending: ending, summary).text
    }

    @Test(arguments: [[], [.exhausted, .failure, .inexact, .share(26)]] as [[Verdict.Condition]])
    func pass(conditions: [Verdict.Condition]) {
        #expect(
            verdict(conditions)
                == "portgauge: PASS 7,058 connects, 0 failed for want of a port, peak 25.0 % of "
                + "10.0.0.1 → 10.0.0.9:80\n")
    }

    @Test func nothingToPass() {
        let summary = Summary(duration: 1, accuracy: Accuracy(), linesDropped: 0)
        #expect(
            verdict([.exhausted, .share(1)], summary)
                == "portgauge: PASS 0 connects, 0 failed for want of a port\n")
        #expect(verdict([], nil) == "portgauge: PASS \n")
    }

    @Test func theCommandsOwnFailureComesFirst() {
        #expect(verdict([], ending: "exit status 7") == "portgauge: FAIL exit status 7\n")
        #expect(
            verdict([.exhausted], Self.summary(failed: 1), ending: "killed by SIGTERM")
                == "portgauge: FAIL killed by SIGTERM; exhausted: 1 connect of wrk[4123] to "
                + "10.0.0.9:80 found no port\n")
    }

    /// Each with how many failed, and what is said of it.
    @Test(
        arguments: [
            (.exhausted, 1, 0, 0, "exhausted: 1 connect of wrk[4123] to 10.0.0.9:80 found no port"),
            (
                .exhausted, 1234, 2, 0,
                "exhausted: 1,234 connects of wrk[4123] to 10.0.0.9:80 and 2 more found no port"
            ),
            (.exhausted, 0, 1, 9, "exhausted: 1 bind of wrk[4123] to 10.0.0.1 found no port"),
            (
                .failure, 0, 0, 3,
                "failure: 3 binds of wrk[4123] to 10.0.0.1:8080 failed: collision"
            ),
            (
                .failure, 2, 0, 3,
                "failure: 3 binds of wrk[4123] to 10.0.0.1:8080 failed: collision and 2 more"
            ),
            (
                .share(25), 0, 0, 0,
                "25%: 7,058 of 28,230 ports (25.0 %) of 10.0.0.1 → 10.0.0.9:80"
            ),
        ] as [(Verdict.Condition, Int, Int, Int, String)])
    func fail(
        condition: Verdict.Condition, failed: Int, binds: Int, collisions: Int, says: String
    ) {
        let summary = Self.summary(failed: failed, binds: binds, collisions: collisions)
        #expect(verdict([condition], summary) == "portgauge: FAIL \(says)\n")
    }

    /// Of a name that several processes have.
    @Test(arguments: [(2, "2 processes"), (136, "136 processes"), (1500, "1,000+ processes")])
    func callsOfAName(processes: Int, says: String) {
        var ledger = Ledger()
        for pid in 1...UInt32(processes) {
            let process = ProcessID(pid: pid, name: ProcessID.Name("curl"))
            Load(process: process, failed: 1).fold(into: &ledger, first: UInt64(pid))
        }
        guard case .summary(let summary) = Sample.summary(of: ledger) else { return }
        let calls = "exhausted: \(processes == 1500 ? "1,500" : "\(processes)") connects of curl"
        #expect(
            verdict([.exhausted], summary)
                == "portgauge: FAIL \(calls) (\(says)) to 10.0.0.9:80 found no port\n")
    }

    @Test func otherCausesAreNoWantOfAPort() {
        #expect(verdict([.exhausted], Self.summary(collisions: 5)).hasPrefix("portgauge: PASS "))
    }

    /// No tuple has used so much, but a local address has.
    @Test func aPoolsShare() {
        var summary = Self.summary()
        for (peak, says) in [(2, "PASS "), (3, "FAIL 60%: 3 of 5 ports (60.0 %) of bind 10.0.0.1")]
        {
            summary.bindPools = [
                Summary.BindPoolRow(
                    key: Sample.bindPool, used: 0, usable: 5, peak: peak, failed: 0)
            ]
            #expect(verdict([.share(60)], summary).hasPrefix("portgauge: \(says)"))
        }
    }

    /// Where not one port is usable, all of them are used.
    @Test func aShareOfNone() {
        var summary = Self.summary()
        summary.tuples[0].peak.usage = PortUsage(usable: 0)
        #expect(verdict([.share(100)], summary).hasPrefix("portgauge: FAIL 100%: 0 of 0 ports"))
    }

    @Test(
        arguments: [
            (\.lost, "1,000 records lost"), (\.slipped, "1,000 transitions not seen"),
        ] as [(WritableKeyPath<Accuracy, UInt64> & Sendable, String)])
    func inexact(count: WritableKeyPath<Accuracy, UInt64> & Sendable, says: String) {
        var accuracy = Accuracy()
        accuracy[keyPath: count] = 1000
        let summary = Self.summary(accuracy: accuracy)
        #expect(verdict([.inexact], summary) == "portgauge: FAIL inexact: \(says)\n")
    }

    @Test func driftsAndMissingHooksAreInexact() {
        var accuracy = Accuracy()
        accuracy.largestDrift = 1
        #expect(
            verdict([.inexact], Self.summary(accuracy: accuracy), losses: Self.hooks)
                == "portgauge: FAIL inexact: a drift of 1 port; inexact: \(Self.hooks[0])\n")
        #expect(verdict([.exhausted], losses: Self.hooks).hasPrefix("portgauge: PASS "))
    }

    /// Whatever was asked for, it is not known.
    @Test func withoutASummary() {
        #expect(
            verdict([.share(80), .exhausted], nil)
                == "portgauge: FAIL inexact: tracing ended before the command\n")
    }

    @Test func asManyAsWereAskedFor() {
        #expect(
            verdict([.share(10), .exhausted], Self.summary(failed: 2))
                == "portgauge: FAIL 10%: 7,058 of 28,230 ports (25.0 %) of 10.0.0.1 → 10.0.0.9:80; "
                + "exhausted: 2 connects of wrk[4123] to 10.0.0.9:80 found no port\n")
    }

    // MARK: What is left from before

    /// `held` sockets of each peer, of which `waiting` are in TIME_WAIT for 10 s and more.
    private func leftovers(peers: UInt64 = 1, held: UInt64, waiting: UInt64) -> Leftovers {
        var leftovers = Leftovers(of: Sample.tuple.netns)
        for peer in 0..<peers {
            for socket in 0..<held {
                var tuple = Sample.tuple
                tuple.remotePort += UInt16(peer)
                var connection = Record.Connection(
                    time: Self.now, socket: peer << 32 | socket + 1, tuple: tuple,
                    localPort: UInt16(40_000 + socket), range: PortRange(low: 40_000, high: 40_007))
                connection.age = (10 + socket) * Self.second
                leftovers.see(
                    .exists(connection, state: socket < waiting ? .timeWait : .established))
            }
        }
        return leftovers
    }

    @Test func leftovers() {
        func text(_ leftovers: Leftovers) -> String {
            RunText.leftovers(leftovers, at: Self.now).text
        }
        #expect(text(leftovers(held: 0, waiting: 0)) == "")
        #expect(
            text(leftovers(held: 1, waiting: 1))
                == "portgauge: 1 port in TIME_WAIT towards 10.0.0.9:80 from 10.0.0.1, the last is "
                + "free in 50 s\n")
        #expect(
            text(leftovers(held: 3, waiting: 2))
                == "portgauge: 3 ports held, 2 of them in TIME_WAIT, towards 10.0.0.9:80 from "
                + "10.0.0.1, the last is free in 50 s\n")
        #expect(
            text(leftovers(held: 2, waiting: 0))
                == "portgauge: 2 ports held towards 10.0.0.9:80 from 10.0.0.1\n")
        let many = text(leftovers(peers: 5, held: 1, waiting: 1)).split(separator: "\n")
        #expect(many.count == 4 && many.last == "portgauge: and ports towards 2 more")
    }

    @Test func theWait() {
        let two = leftovers(held: 2, waiting: 2)
        #expect(
            RunText.waiting(two, limit: 1500, at: Self.now).text
                == "portgauge: waiting up to 1,500 s for 2 ports in TIME_WAIT, the last is free in "
                + "50 s\n")
        #expect(
            RunText.unclean(two, after: 1500).text
                == "portgauge: FAIL not clean: after 1,500 s 2 ports are still in TIME_WAIT, most "
                + "towards 10.0.0.9:80; the command was not run\n")
        for (share, bar) in [
            (-1, ""), (0.5, "##########"), (.infinity, "####################"),
        ] as [(Double, String)] {
            let spaces = String(repeating: " ", count: 20 - bar.count)
            #expect(
                RunText.progress(two, share: share, at: Self.now + 60 * Self.second).text
                    == "waiting [\(bar)\(spaces)] 2 in TIME_WAIT, 0 s left")
        }
    }

    @Test func survivors() {
        let process = Sample.process
        #expect(
            RunText.survivors(1, named: [process]).text
                == "portgauge: 1 process of it still runs: wrk[4123]\n")
        #expect(
            RunText.survivors(3, named: [process, process]).text
                == "portgauge: 3 processes of it still run: wrk[4123], wrk[4123], …\n")
        #expect(
            RunText.survivors(2, named: []).text == "portgauge: 2 processes of it still run\n")
    }
}
