import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// `portgauge run`: the command lives as without it.
    @Suite struct RunTests {
        static let tool = portgauge.path

        /// The last line on standard error.
        static func verdict(_ errors: String) -> String {
            String(errors.split(separator: "\n").last ?? "")
        }

        /// Runs a script of bash in which `$P` is the binary.
        static func bash(
            _ script: String, _ arguments: String...
        ) throws -> (status: Int32, output: String, errors: String) {
            unblockSignals()
            return try run("/bin/bash", ["-c", "P=\(tool)\n\(script)", "bash"] + arguments)
        }

        // MARK: What the command has

        @Test func inputAndOutputPassUnchanged() throws {
            let result = try Self.bash(
                """
                head -c 3000000 /dev/urandom | tee >(sha256sum >&2) |
                    $P run -- tee /dev/null 2>/dev/null | sha256sum
                """)
            #expect(result.output == result.errors && result.output.count == 68, "\(result)")
        }

        @Test func nothingIsWrittenToStandardOutput() throws {
            let result = try run(Self.tool, ["run", "--events", "all", "--", "true"])
            #expect(result.status == 0 && result.output == "")
            // Ctrl-C is the command's: nothing else is promised.
            #expect(!result.errors.contains("Ctrl-C"))
            #expect(result.errors.contains("Summary of "))
            #expect(Self.verdict(result.errors).hasPrefix("portgauge: PASS 0 connects, 0 failed"))
        }

        /// Each says the same with portgauge and without.
        @Test(arguments: [
            "grep -E 'Sig[A-Z][a-z]|Shd|Cap|NoNew|Seccomp|Uid|Gid|Groups|Umask' /proc/self/status",
            "ls /proc/self/fd", "ls /proc/self/fd 5</dev/null 7>/dev/null",
            "ls -l /proc/self/fd 0<&- | wc -l", "env", "pwd", "ulimit -a",
            "ps -o pgid=,sid=,tty= -p $BASHPID", "cat /proc/self/oom_score_adj",
            "readlink /proc/self/ns/*", "nice", "cat /proc/self/cgroup",
        ])
        func itIsAsWithout(question: String) throws {
            let script = """
                trap '' USR1 HUP; cd /usr; export A=b; umask 027
                question=$1; ask() { "$@" /bin/bash -c "$question || echo $?"; }
                ask env _=x; echo ===; ask $P run -- env _=x 2>/dev/null
                """
            let answers = try Self.bash(script, question).output.components(separatedBy: "===\n")
            #expect(
                answers.count == 2 && answers[0] == answers[1] && answers[0] != "", "\(answers)")
        }

        @Test func argumentsPassUnchanged() throws {
            let result = try Self.bash(
                #"$P run -- printf '%s|' -- --help $'\xff\xfe' '' 'a b' 2>/dev/null | od -An -tx1 | tr -d ' \n'"#
            )
            #expect(result.output == "2d2d7c2d2d68656c707cfffe7c7c6120627c")
            let many = try Self.bash(
                "$P run -- sh -c 'echo $#' x $(seq 20000) 2>/dev/null")
            #expect(many.output == "20000\n")
        }

        // MARK: How it ends

        @Test(
            arguments: [
                ("true", 0), ("sh -c 'exit 1'", 1), ("sh -c 'exit 42'", 42),
                ("sh -c 'exit 255'", 255),
                ("sh -c 'kill -TERM $$'", 143), ("sh -c 'kill -SEGV $$'", 139),
                ("sh -c 'kill -KILL $$'", 137), ("sh -c 'kill -USR1 $$'", 138),
            ] as [(String, Int32)])
        func theExitStatusIsItsOwn(command: String, status: Int32) throws {
            let result = try Self.bash("$P run -- \(command); exit $?")
            #expect(result.status == status)
            let says =
                switch status {
                case 0: "portgauge: PASS "
                case 137...159: "portgauge: FAIL killed by SIG"
                default: "portgauge: FAIL exit status \(status)"
                }
            let last = result.errors.split(separator: "\n").last { $0.hasPrefix("portgauge: ") }
            #expect(last?.hasPrefix(says) == true, "\(result.errors)")
        }

        @Test func itDiesByTheSameSignal() throws {
            let talk = try Conversation(Self.tool, ["run", "--", "sh", "-c", "kill -QUIT $$"])
            try talk.end(with: 128 + SIGQUIT)
        }

        @Test(
            arguments: [
                ("portgauge-nowhere", 127), ("./portgauge-nowhere", 127), ("/etc", 126),
                ("/etc/passwd", 126), ("''", 127),
            ] as [(String, Int32)])
        func whatCannotRunIsSaidInALine(command: String, status: Int32) throws {
            let result = try Self.bash("$P run -- \(command) x; exit $?")
            #expect(result.status == status && result.output == "")
            #expect(result.errors.hasPrefix("portgauge: FAIL "), "\(result.errors)")
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        @Test func aScriptWithoutAFirstLineIsTheShells() throws {
            let result = try Self.bash(
                """
                d=$(mktemp -d); echo 'echo "$0 $1"; exit 9' > $d/script; chmod +x $d/script
                PATH=$d:$PATH $P run -- script y 2>/dev/null; s=$?; rm -r $d; exit $s
                """)
            #expect(result.status == 9 && result.output.hasSuffix("/script y\n"), "\(result)")
        }

        @Test(arguments: [
            ["run"], ["run", "true"], ["run", "--"], ["run", "--fail-on", "x", "--", "true"],
            ["run", "--fail-on", "101%", "--", "true"], ["run", "--fail-on", "", "--", "true"],
            ["run", "--wait-clean", "0", "--", "true"], ["run", "--events", "x", "--", "true"],
        ])
        func wrongOptionsRunNothing(arguments: [String]) throws {
            let result = try run(Self.tool, arguments)
            #expect(result.status == 64 && result.output == "", "\(result)")
        }

        @Test func withoutRightsNothingIsRun() throws {
            let result = try run(
                "/usr/bin/setpriv",
                [
                    "--bounding-set=-all", "--inh-caps=-all", Self.tool, "run", "--", "echo", "ran",
                ])
            #expect(result.status == 125 && result.output == "", "\(result)")
            #expect(
                result.errors.contains("run as root") || result.errors.contains("grant CAP_BPF"))
        }

        // MARK: Signals and terminals

        /// Says what it gets, until it is told to end.
        static let listener = """
            for s in HUP INT QUIT TERM USR1 USR2 ALRM RTMIN; do trap "echo got $s" $s; done
            echo ready; while ! read -t 0.05 line; do :; done; exit 7
            """

        @Test func signalsAreHandedOn() throws {
            let talk = try Conversation(Self.tool, ["run", "--", "bash", "-c", Self.listener])
            try talk.listen(for: /ready/)
            for (name, number) in [
                ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("TERM", SIGTERM),
                ("USR1", SIGUSR1), ("USR2", SIGUSR2), ("ALRM", SIGALRM), ("RTMIN", 34),
            ] {
                talk.send(number)
                try talk.listen(for: Regex("got \(name)\n"))
            }
            try talk.say("end\n")
            try talk.end(with: 7)
            #expect(talk.output.split(separator: "\n").count == 9, "\(talk.output)")
        }

        /// The shell that has started it gets the signal as well, and says how it has ended.
        @Test func ctrlCReachesItOnce() throws {
            let script = "trap 'echo got INT' INT; echo ready; sleep 1; sleep 1; read x; exit 7"
            let talk = try Conversation(
                "/usr/bin/script",
                [
                    "-qec",
                    "trap : INT; \(Self.tool) run -- bash -c \"\(script)\"; echo ended with $?",
                    "/dev/null",
                ])
            try talk.listen(for: /ready/)
            try talk.say("\u{3}")
            try talk.listen(for: /got INT/)
            try talk.say("x\n")
            try talk.listen(for: /portgauge: FAIL exit status 7/)
            try talk.listen(for: /ended with 7/)
            #expect(talk.output.ranges(of: "got INT").count == 1, "\(talk.output)")
        }

        /// Standard output goes elsewhere, and has no width, all the time.
        @Test func theSummaryFitsTheTerminalThatItIsShownOn() throws {
            let talk = try Conversation(
                "/usr/bin/script",
                [
                    "-qec", "stty cols 50; NO_COLOR=1 \(Self.tool) run -- sleep 1.5 >/dev/null",
                    "/dev/null",
                ])
            try talk.end()
            let lines = talk.output.split(whereSeparator: \.isNewline)
            let summary = lines.drop { !$0.hasPrefix("Summary of") }
                .prefix { !$0.hasPrefix("portgauge: ") }
            #expect(summary.count >= 4)
            #expect(summary.allSatisfy { $0.count <= 50 }, "\(talk.output)")
        }

        @Test func theShellStopsAndContinuesItAsAnyJob() throws {
            let talk = try Conversation(
                "/usr/bin/script", ["-qec", "bash --norc --noprofile -i", "/dev/null"])
            try talk.say(
                "\(Self.tool) run -- sh -c 'echo rea\"\"dy; read x; echo got $x; exit 6'\n")
            try talk.listen(for: /ready/)
            try talk.say("\u{1a}")
            try talk.listen(for: /Stopped/)
            try talk.say("fg\n")
            try talk.say("abc\n")
            try talk.listen(for: /got abc/)
            try talk.listen(for: /portgauge: FAIL exit status 6/)
            try talk.say("echo ended with $?; exit\n")
            try talk.listen(for: /ended with 6/)
        }

        @Test func itGoesOnWhileTheCommandIsStopped() throws {
            let talk = try Conversation(
                Self.tool, ["run", "--", "sh", "-c", "echo $$; kill -STOP $$; exit 5"])
            let pid = try #require(Int32(talk.listen(for: /(\d+)\n/).1))
            func state(of pid: Int32) throws -> String {
                let text = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
                return String(try #require(text.firstMatch(of: /State:\s+(\S)/)).1)
            }
            while try state(of: pid) != "T" { Foundation.Thread.sleep(forTimeInterval: 0.01) }
            Foundation.Thread.sleep(forTimeInterval: 0.2)
            #expect(try state(of: talk.processIdentifier) != "T")
            kill(pid, SIGCONT)
            try talk.end(with: 5)
        }

        @Test func theCommandOutlivesAKilledPortgauge() throws {
            let talk = try Conversation(
                Self.tool, ["run", "--", "sh", "-c", "echo ready; read x; echo got $x"])
            try talk.listen(for: /ready/)
            talk.send(SIGKILL)
            try talk.say("abc\n")
            try talk.listen(for: /got abc/)
            try talk.end(with: 137)
        }

        @Test func aDaemonLivesOn() throws {
            // As daemons do, it closes everything: also that by which Foundation sees the end of what
            // it has started.
            let script = """
                setsid bash -c 'for f in /proc/self/fd/*; do eval "exec ${f##*/}>&-"; done
                    exec sleep 100' &
                until grep -q sleep /proc/$!/comm; do sleep 0.02; done; echo $!; exit 3
                """
            let talk = try Conversation(Self.tool, ["run", "--", "bash", "-c", script])
            let pid = try #require(Int32(talk.listen(for: /(\d+)\n/).1))
            defer { kill(pid, SIGKILL) }
            try talk.end(with: 3)
            try talk.listenToErrors(
                for: Regex("portgauge: 1 process of it still runs: sleep\\[\(pid)\\]\n"))
            #expect(
                try String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8) == "sleep\n")
        }

        @Test func readersOfStandardErrorMayLeave() throws {
            let result = try Self.bash(
                """
                { $P run --events all -- sh -c 'sleep 0.5; echo out; exit 4' 2>&3 | cat
                  echo ${PIPESTATUS[0]}; } 3> >(exec 3<&-; head -c 1 >/dev/null)
                $P run -- sh -c 'echo out; exit 4' 2>&-; echo $?
                """)
            #expect(result.output == "out\n4\nout\n4\n", "\(result)")
        }
    }
}
