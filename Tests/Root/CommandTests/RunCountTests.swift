import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// What `portgauge run` counts, and what it makes of that.
    @Suite struct RunCountTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40063", "ipv4/tcp_tw_reuse": "0",
            // Else the kernel drops a TIME_WAIT when something comes in for it.
            "ipv4/tcp_rfc1337": "1",
        ]

        /// A command that connects so often to an address of its own.
        private static func load(_ count: Int, name: String, port: Int = 8080) -> String {
            "\(RunTests.tool) load --in-place --name \(name) --destinations 1 --port \(port) "
                + "--clients 1 --servers 1 --connections \(count) > /dev/null"
        }

        private func runs(
            _ options: [String], _ script: String
        ) throws -> (status: Int32, output: String, errors: String) {
            try run(RunTests.tool, ["run"] + options + ["--", "sh", "-c", script])
        }

        private func opened(_ errors: String) -> Int? {
            errors.firstMatch(of: /connects   ([\d,]+) opened/).flatMap { Int($0.1) }
        }

        /// It, its child, a grandchild, and what has left it; while others connect as well.
        @Test func onlyItsOwnTreeCounts() throws {
            try PrivateNamespace.run(settings: ["ipv4/tcp_tw_reuse": "0"]) {
                let script = """
                    \(Self.load(10, name: "child"))
                    sh -c '\(Self.load(11, name: "grandchild", port: 8081)); true'
                    d=$(mktemp -u)
                    setsid sh -c "(\(Self.load(12, name: "daemon", port: 8082)); touch $d) &"
                    until [ -e $d ]; do sleep 0.05; done; rm $d
                    exec \(Self.load(13, name: "self", port: 8083))
                    """
                let other = try Conversation(
                    "/bin/sh",
                    ["-c", "while :; do \(Self.load(5, name: "other", port: 9090)); done"])
                let result = try runs(["--only"], script)
                other.send(SIGKILL)
                try other.end(with: 128 + SIGKILL)
                #expect(opened(result.errors) == 10 + 11 + 12 + 13, "\(result.errors)")
                // But as the name of the network namespace, which has no other.
                let tuples = result.errors.split(separator: "\n").filter { $0.contains("→") }
                #expect(!tuples.contains { $0.contains("other") }, "\(result.errors)")
                for name in ["child", "grandchild", "daemon", "self"] {
                    #expect(result.errors.contains(" \(name)["), "\(name)")
                }
            }
        }

        /// With `N` for each number: some connections may end without a TIME_WAIT.
        static let verdicts: [(options: [String], count: Int, status: Int32, says: String)] = [
            (
                ["--fail-on", "exhausted"], 150, 3,
                "FAIL exhausted: N connects of load[N] to N:N found no port"
            ),
            (
                ["--fail-on", "failure"], 150, 3,
                "FAIL failure: N connects of load[N] to N:N failed: exhausted"
            ),
            (
                ["--fail-on", "exhausted,failure"], 20, 0,
                "PASS N connects, N failed for want of a port, peak N % of N → N:N"
            ),
            (["--fail-on", "20%"], 40, 3, "FAIL N%: N of N ports (N %) of N → N:N"),
            (
                ["--fail-on", "90%"], 40, 0,
                "PASS N connects, N failed for want of a port, peak N % of N → N:N"
            ),
            (
                ["--fail-on", "90%", "--fail-on", "inexact,exhausted"], 150, 3,
                "FAIL N%: N of N ports (N %) of N → N:N; exhausted: N connects of load[N] to N:N found no port"
            ),
            (
                [], 150, 0, "PASS N connects, N failed for want of a port, peak N % of N → N:N"
            ),
        ]

        @Test(arguments: verdicts)
        func failsOn(
            options: [String], count: Int, status: Int32, says: String
        ) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let result = try runs(["--only"] + options, Self.load(count, name: "load"))
                #expect(result.status == status, "\(result.errors)")
                let verdict = RunTests.verdict(result.errors)
                    .replacing(/[0-9][0-9.,]*/, with: "N")
                #expect(verdict == "portgauge: \(says)", "\(result.errors)")
            }
        }

        /// The ports are another's. They count for what is used, and against a share that must not be.
        @Test(arguments: [[], ["--only"], ["--comm", "ci-load"]])
        func othersHoldThePorts(options: [String]) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                try run("/bin/sh", ["-c", Self.load(150, name: "other")])
                let result = try runs(
                    options + ["--events", "failures", "--fail-on", "80%"],
                    Self.load(5, name: "ci-load"))
                #expect(
                    result.errors.contains(", exhausted: 64 in TIME_WAIT, 64 by others; "),
                    "\(result.errors)")
                #expect(result.errors.contains(" 64/64 "), "\(result.errors)")
                #expect(result.errors.contains("0 by the chosen processes, 64 by others\n"))
                #expect(result.errors.contains("  connects   0 opened, 0 closed, 5 failed"))
                #expect(
                    result.status == 3
                        && RunTests.verdict(result.errors).contains("FAIL 80%: 64 of 64 ports"))
            }
        }

        /// Whose connections are judged: those of the command, unless all are asked for or it has none.
        @Test func whoIsJudged() throws {
            var settings = Self.settings
            settings["ipv4/ip_local_port_range"] = "40000 40999"
            try PrivateNamespace.run(settings: settings) {
                let other = try Conversation(
                    "/bin/sh",
                    ["-c", "while :; do \(Self.load(5, name: "other", port: 9090)); done"])
                defer { other.send(SIGKILL) }
                let own = try runs([], Self.load(10, name: "own"))
                #expect(opened(own.errors) == 10 && !own.errors.contains("  other,"))
                let all = try runs(["--all"], "\(Self.load(10, name: "own")); sleep 1")
                #expect(opened(all.errors) ?? 0 > 10 && all.errors.contains("  other"))
                let none = try runs(["--fail-on", "2%"], "sleep 2")
                #expect(none.status == 3 && none.errors.contains(" other"), "\(none.errors)")
                #expect(
                    RunTests.verdict(none.errors).hasSuffix(
                        " (of the whole host, as the command has made no connect)"))
                let only = try runs(["--only", "--fail-on", "2%"], "sleep 1")
                #expect(only.status == 0 && opened(only.errors) == 0, "\(only.errors)")
                #expect(try runs(["--only", "--all"], "true").status == 64)
            }
        }

        /// A command that fails keeps its status, whatever else has happened.
        @Test func itsOwnFailureComesFirst() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let result = try runs(
                    ["--only", "--fail-on", "exhausted"],
                    "\(Self.load(150, name: "ci-load")); exit 9")
                #expect(result.status == 9)
                #expect(
                    RunTests.verdict(result.errors)
                        .hasPrefix("portgauge: FAIL exit status 9; exhausted: "))
            }
        }

        @Test func failsOnLosses() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let load = Self.load(2000, name: "ci-load")
                let result = try runs(
                    ["--ring-size", "16k", "--fail-on", "inexact"],
                    "kill -STOP $PPID; \(load); kill -CONT $PPID")
                #expect(result.status == 3, "\(result.errors)")
                #expect(
                    RunTests.verdict(result.errors).firstMatch(
                        of: /^portgauge: FAIL inexact: [\d,]+ records lost$/) != nil,
                    "\(result.errors)")
            }
        }

        @Test func theReportIsWhereItIsAskedFor() throws {
            let file = FileManager.default.temporaryDirectory.appending(path: "report-\(getpid())")
            defer { try? FileManager.default.removeItem(at: file) }
            let result = try runs(["--report", file.path], "true")
            #expect(result.status == 0)
            #expect(!result.errors.contains("Summary of "))
            #expect(try String(contentsOf: file, encoding: .utf8).contains("Summary of "))
            let nowhere = try runs(["--report", "/nowhere/x"], "echo ran")
            #expect(nowhere.status == 125 && nowhere.output == "")
            let full = try runs(["--report", "/dev/full"], "echo ran")
            #expect(full.status == 125 && full.output == "ran\n" && full.errors.contains("ENOSPC"))
        }

        // MARK: What is held from before

        private func inUse(_ body: () throws -> Void) throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let crowd = Crowd()
                try crowd.listen(on: Endpoint("0.0.0.0", port: 8080))
                for _ in 0..<8 { try crowd.connect(to: Endpoint("127.0.0.3", port: 8080), .close) }
                for _ in 0..<2 { try crowd.connect(to: Endpoint("127.0.0.1", port: 8080)) }
                try body()
                crowd.stayUntilHere()
            }
        }

        @Test(arguments: [[], ["--only"]]) func theStartSaysWhatIsHeld(options: [String]) throws {
            try inUse {
                let result = try runs(options, "true")
                #expect(
                    result.errors.contains(
                        /portgauge: 8 ports in TIME_WAIT towards 127\.0\.0\.3:8080 from 127\.0\.0\.1, the last is free in \d\d s\n/
                    ), "\(result.errors)")
                #expect(
                    result.errors.contains(
                        "portgauge: 2 ports held towards 127.0.0.1:8080 from 127.0.0.1\n"))
            }
        }

        @Test func nothingIsSaidWhereNothingIsHeld() throws {
            try PrivateNamespace.run {
                let result = try runs([], "true")
                #expect(
                    result.errors.hasPrefix(
                        "portgauge: the whole host is judged, as the command has made no connect\n\nSummary "
                    ), "\(result.errors)")
            }
        }

        @Test func itWaitsForACleanStart() throws {
            try inUse {
                let talk = try Conversation(
                    RunTests.tool, ["run", "--wait-clean", "--", "echo", "ran"])
                try talk.listenToErrors(
                    for:
                        /portgauge: waiting up to 90 s for 8 ports in TIME_WAIT, the last is free in \d\d s\n/
                )
                #expect(talk.output == "")
                try run("/usr/bin/ss", ["-K", "state", "time-wait"])
                try talk.listen(for: /ran/)
                try talk.end(with: 0)
                #expect(talk.errors.contains("portgauge: PASS "))
            }
        }

        @Test func itDoesNotWaitForOthers() throws {
            try inUse {
                let result = try runs(
                    ["--wait-clean", "30", "--remote", "127.0.0.1"], "echo ran")
                #expect(result.output == "ran\n" && !result.errors.contains("waiting"))
            }
        }

        @Test func itDoesNotStartUnclean() throws {
            try inUse {
                let result = try runs(["--wait-clean", "1"], "echo ran")
                #expect(result.status == 3 && result.output == "")
                #expect(
                    RunTests.verdict(result.errors)
                        == "portgauge: FAIL not clean: after 1 s 8 ports are still in TIME_WAIT, most "
                        + "towards 127.0.0.3:8080; the command was not run")
            }
        }

        @Test func theWaitCanBeEnded() throws {
            try inUse {
                let talk = try Conversation(
                    RunTests.tool, ["run", "--wait-clean", "--", "echo", "ran"])
                try talk.listenToErrors(for: /waiting/)
                talk.send(SIGTERM)
                try talk.end(with: 143)
                #expect(talk.output == "")
            }
        }

        @Test func theWaitIsDrawnOnATerminal() throws {
            try inUse {
                let talk = try Conversation(
                    "/usr/bin/script",
                    ["-qec", "\(RunTests.tool) run --wait-clean -- echo ran", "/dev/null"])
                try talk.listen(for: /waiting \[[# ]{20}\] 8 in TIME_WAIT, \d\d s left/)
                try run("/usr/bin/ss", ["-K", "state", "time-wait"])
                try talk.listen(for: /ran/)
                try talk.listen(for: /portgauge: PASS/)
            }
        }
    }
}
