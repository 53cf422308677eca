import PortModel
import Testing

@testable import Events
@testable import Report

@Suite struct SummaryTextTests {
    private func text(_ event: Event, colour: Bool = false) -> String {
        Sample.text(event, colour: colour)
    }

    private static let heading =
        "   share    peak    held TIME_WAIT    opened   failed  tuple, top process"

    @Test func ofNothing() {
        #expect(
            text(Sample.summary(of: Ledger())) == """

                Summary of 61.2 s
                  connects   0 opened, 0 closed, 0 failed for want of a port
                  ports      0 held at the end
                  accuracy   0 records lost, 0 lines of output dropped

                """)
    }

    /// In a recording of 0.1.0: it has run out of ports that it never held, or of its own.
    @Test(arguments: [(0, true), (6, true), (7, false), (8, false)])
    func ofSomeProcesses(established: Int, othersHoldTheRest: Bool) {
        var ledger = Ledger()
        func text(_ isPartial: Bool = true) -> String {
            guard case .summary(var summary) = Sample.summary(of: ledger) else { return "" }
            summary.isPartial = isPartial
            return self.text(.summary(summary))
        }
        let range = PortRange(low: 40_000, high: 40_007)
        _ = ledger.apply(
            .namespace(
                netns: Sample.tuple.netns, Namespace(inode: 1, pool: PortPool(range: range)),
                pid: 0))
        Load(range: range, established: established).fold(into: &ledger)
        let line =
            "\n             of the chosen processes only; others hold ports, too\n  accuracy "
        #expect(!text().contains(line))
        Load(range: range, failed: 1).fold(into: &ledger, first: 50)
        #expect(text().contains(line) == othersHoldTheRest)
        #expect(!text(false).contains(line))
    }

    /// Ports are counted whole, whoever holds them; calls are those of the chosen.
    @Test func ofTheChosen() {
        var ledger = Ledger()
        ledger.isFiltered = true
        Load(established: 2, failed: 3).fold(into: &ledger)
        Load(timeWait: 5, failed: 4, isOther: true).fold(into: &ledger, first: 50)
        Load(tuple: Sample.tupleV6, established: 9, isOther: true).fold(into: &ledger, first: 100)
        let text = text(Sample.summary(of: ledger))
        #expect(text.contains("  connects   2 opened, 0 closed, 3 failed"))
        #expect(
            text.contains(
                """
                  ports      7 held at the end, 5 of them (71.4 %) in TIME_WAIT
                             2 by the chosen processes, 5 by others
                """))
        #expect(!text.contains("::1"))
    }

    private var eventful: Event {
        var ledger = Load(
            established: 1000, closed: 250, timeWait: 3000, errors: [111: 1, 101: 2], failed: 1234
        ).ledger()
        Load(tuple: Sample.tupleV6, process: Sample.process([0x1b]), closed: 5, failed: 2)
            .fold(into: &ledger, first: 100_000)
        return Sample.summary(of: ledger, lost: 1000, linesDropped: 7)
    }

    private static let eventfulText = """

        Summary of 61.2 s
          connects   4,258 opened, 3,258 closed, 1,236 failed for want of a port
          ports      4,000 held at the end, 3,000 of them (75.0 %) in TIME_WAIT
          accuracy   1,000 records lost, 7 lines of output dropped
                     ports held are exact, totals by tuple are lower bounds

        \(heading)
          14.1 %   4,000   4,000     3,000     4,253    1,234  10.0.0.1 → 10.0.0.9:80  wrk[4123]
                                                   2  of them ENETUNREACH
                                                   1  of them ECONNREFUSED
           0.0 %       1       0         0         5        2  [2001:db8::1] → [2001:db8::9]:443 \
        netns blue  \\x1b[7]

          failed  call, cause, process, and where from and to
           1,234  connect()  -           wrk[4123]  10.0.0.1 → 10.0.0.9:80
               2  connect()  -           \\x1b[7]  [2001:db8::1] → [2001:db8::9]:443 netns blue

        """

    @Test func accuracy() {
        var accuracy = Accuracy()
        accuracy.skipped = 1234
        accuracy.slipped = 1
        accuracy.audits = 6
        accuracy.largestDrift = 5
        accuracy.repairs = 1
        var ledger = Ledger()
        _ = ledger.apply(
            .namespace(netns: Sample.tupleV6.netns, Sample.namespaceSettings, pid: 0))
        let summary = Summary(
            of: ledger, duration: 61_234_567_890, accuracy: accuracy, linesDropped: 0, limit: 1)
        #expect(
            text(.summary(summary)).contains(
                """
                  accuracy   0 records lost, 0 lines of output dropped
                             6 audits against the kernel's table, largest drift 5, last 0
                             1 repair from the kernel's table
                             1,234 runs skipped by the kernel, 1 not caught by a copy
                             ports held are exact, totals by tuple are lower bounds

                  namespaces
                  blue: ports 32768-60999 (2 reserved), tw_reuse 2 after 500 ms, max 65,536 TIME_WAITs

                """))
    }

    @Test func ofALot() {
        #expect(text(eventful) == Self.eventfulText)
    }

    /// All ports of ten are held, a socket had a port that was taken, another no address, and bind()
    /// found none of its own.
    private var refused: Event {
        var ledger = Sample.bindPools(failed: 1200, collisions: 2)
        Load(established: 5).fold(into: &ledger)
        Load(failed: 3).fold(into: &ledger, first: 50)
        var collision = Record.Connection(
            time: Sample.time, socket: 900, tuple: Sample.tuple, localPort: 60_999,
            process: Sample.process, range: Sample.range)
        collision.localPort = 60_999
        _ = ledger.apply(.opened(collision))
        _ = ledger.apply(
            .closed(
                Record.Closing(time: Sample.time, socket: 900, localPort: 60_999, notSent: true)))
        let refusal = Record.Refusal(
            time: Sample.time, socket: 0,
            call: FailedCall(
                scope: .tuple(Sample.tupleV6),
                process: ProcessID(pid: 7, name: ProcessID.Name("curl")), errno: 99))
        _ = ledger.apply(.refused(refusal))
        return Sample.summary(of: ledger)
    }

    @Test func ofWhatWasRefused() {
        #expect(
            // What is advised has tests of its own.
            text(refused).split(separator: "\n  advice")[0] == """

                Summary of 61.2 s
                  connects   5 opened, 0 closed, 3 failed for want of a port
                  bind()     1,200 failed for want of a port
                  refused    2 connect(), 2 bind(), not for want of a port
                  ports      5 held at the end, 0 of them (0.0 %) in TIME_WAIT
                  accuracy   0 records lost, 0 lines of output dropped

                  namespaces
                  4026531840: ports 32768-60999 (2 reserved), tw_reuse 2 after 500 ms, max 65,536 TIME_WAITs

                   share    peak    held TIME_WAIT    opened   failed  tuple, top process
                   0.0 %       5       5         0         5        4  10.0.0.1 → 10.0.0.9:80  wrk[4123]

                   share    peak  usable   failed  address that bind() chose for, top process
                   0.0 %       1  28,230    1,200  10.0.0.1  wrk[4123]

                  failed  call, cause, process, and where from and to
                   1,200  bind()     exhausted   wrk[4123]  10.0.0.1
                       3  connect()  exhausted   wrk[4123]  10.0.0.1 → 10.0.0.9:80
                       2  bind()     collision   wrk[4123]  10.0.0.1:8080
                       1  connect()  collision   wrk[4123]  10.0.0.1 → 10.0.0.9:80
                       1  connect()  no_address  curl[7]  [2001:db8::1] → [2001:db8::9]:443 netns blue

                """)
    }

    /// By name, and only the process that is alone with its name by its id.
    @Test func processesOfOneNameShareALine() {
        var ledger = Load(failed: 4).ledger()
        for pid: UInt32 in 1...136 {
            let process = ProcessID(pid: pid, name: ProcessID.Name("curl"))
            Load(process: process, failed: 1).fold(into: &ledger, first: 1000 + UInt64(pid))
        }
        let example = ledger.tuples[0].processes.leading.first { $0.process.pid < 137 }
        let pid = example.map { "\($0.process.pid)" } ?? ""
        let text = text(Sample.summary(of: ledger))
        #expect(text.contains("10.0.0.1 → 10.0.0.9:80  curl\n"))
        #expect(
            text.contains(
                "     136  connect()  -           curl, 136 processes, e.g. \(pid)  10.0.0.1 → "))
        #expect(text.contains("       4  connect()  -           wrk[4123]  10.0.0.1 → "))
    }

    @Test func colourChangesNoText() {
        let coloured = text(eventful, colour: true)
        #expect(coloured.contains("\u{1b}[1mSummary of 61.2 s\u{1b}[m"))
        #expect(coloured.contains("\u{1b}[1;31m1,236 failed for want of a port\u{1b}[m"))
        #expect(coloured.contains("\u{1b}[1;31m    1,234\u{1b}[m"))
        #expect(coloured.withoutEscapes == Self.eventfulText)
    }

    @Test func withoutAnyUsablePortThereIsNoShare() {
        let load = Load(range: PortRange(low: 2, high: 1), failed: 1)
        #expect(
            text(Sample.summary(of: load.ledger())).contains(
                "\n       -       0       0         0         0        1  10.0.0.1 → "))
    }

    /// Numbers as large as a busy host has, and addresses as long as most.
    @Test func rowsFitInto100Columns() {
        var load = Load(established: 231, closed: 4000, timeWait: 28_000)
        load.tuple = Tuple(
            netns: Sample.tuple.netns, local: IPAddress(v4: 0x0a00_0c22),
            remote: IPAddress(v4: 0x0a00_0cc8), remotePort: 5432)
        load.process = ProcessID(pid: 12_345, name: ProcessID.Name("nginx"))
        let lines = text(Sample.summary(of: load.ledger())).split(separator: "\n")
        #expect(
            lines[5] == "  99.9 %  28,231  28,231    28,000    32,231        0  "
                + "10.0.12.34 → 10.0.12.200:5432  nginx[12345]")
        #expect(lines.allSatisfy { $0.count <= 100 })
    }

    @Test func columnsLineUp() {
        let lines = text(eventful).split(separator: "\n")
        let numbers = Self.heading.count - "  tuple, top process".count
        for (row, tuple) in zip([lines[6], lines[9]], ["  10.0.0.1 → ", "  [2001:db8::1] → "]) {
            #expect(row.prefix(numbers).last?.isNumber == true)
            #expect(row.dropFirst(numbers).hasPrefix(tuple))
        }
    }

    /// One tuple more for each of `count` ports, fuller than the one before.
    private func ledger(tuples count: Int, failed: Int = 0) -> Ledger {
        var ledger = Ledger()
        for index in 0..<count {
            var load = Load(established: index + 1, failed: failed)
            load.tuple.remotePort = UInt16(index + 1)
            load.fold(into: &ledger, first: UInt64(1000 * (index + 1)))
        }
        return ledger
    }

    @Test func twentyRowsAreEnough() {
        let lines = text(Sample.summary(of: ledger(tuples: 20))).split(separator: "\n")
        #expect(lines.count == 5 + 20)
        #expect(lines[5].contains("10.0.0.9:20  ") && lines[24].contains("10.0.0.9:1  "))
        let more = text(Sample.summary(of: ledger(tuples: 25))).split(separator: "\n")
        #expect(more.count == 5 + 20 + 1)
        #expect(more[25] == "and 5 more, none with a greater share")
    }

    /// Those the summary itself leaves out are counted, too.
    @Test func rowsLeftOutAreCounted() {
        let event = Sample.summary(of: ledger(tuples: 30), limit: 22)
        #expect(text(event).contains("\nand 10 more, none with a greater share\n"))
    }

    @Test func failuresBeyondTwentyAreCounted() {
        let text = text(Sample.summary(of: ledger(tuples: 23, failed: 1)))
        #expect(text.hasSuffix("\nand 3 more\n"))
        #expect(
            text.split(separator: "\n").count {
                $0.hasPrefix("       1  connect()  -           wrk[4123]")
            } == 20)
    }
}
