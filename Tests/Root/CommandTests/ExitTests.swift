import Foundation
import LoadGenerator
import Testing

/// What the binary says and how it ends, when something is not as it should be.
extension LiveTests {
    @Suite struct ExitTests {
        /// One line on standard error, nothing on standard output.
        private func expectRefusal(
            _ result: (status: Int32, output: String, errors: String), _ status: Int32,
            _ says: String
        ) {
            #expect(result.status == status)
            #expect(result.output == "")
            #expect(result.errors.contains(says), "\(result.errors)")
        }

        static let wrongOptions: [([String], String)] = [
            (["--nonsense"], "Unknown option '--nonsense'"),
            (["--warn-at", "0"], "no whole number from 1 to 100"),
            (["--warn-at", "50,,66"], "no whole number from 1 to 100"),
            (["--warn-at", "101"], "no whole number from 1 to 100"),
            (["--warn-at", "+50"], "no whole number from 1 to 100"),
            (["--duration=-1"], "greater than 0"),
            (["--duration", "0"], "greater than 0"),
            (["--duration", "nan"], "greater than 0"),
            (["--output", "xml"], "--output"),
            (["--events", "some"], "--events"),
            (["--pid", "0"], "greater than 0"),
            (["--pid", "x"], "greater than 0"),
            (["--comm", ""], "not empty"),
            (["--remote", ""], "no IPv4 or IPv6 address"),
            (["--remote", "localhost"], "no IPv4 or IPv6 address"),
            (["--remote", "10.0.0.0/33"], "from 0 to 32"),
            (["--remote", "10.0.0.0/"], "from 0 to 32"),
            (["--remote", "::/129"], "from 0 to 128"),
            (["--remote", "10.0.0.1:0"], "from 1 to 65535"),
            (["--remote", "10.0.0.1:+80"], "from 1 to 65535"),
            (["--remote", "10.0.0.1:65536"], "from 1 to 65535"),
            (["--remote", "[::1"], "bracket is not closed"),
            (["--remote", "[::1]x"], "left over"),
            (Array(repeating: ["--pid", "1"], count: 17).flatMap { $0 }, "16 times at most"),
            (["snapshoot"], "Unexpected argument"),
            (["top", "--record", "-"], "give it a file"),
        ]

        @Test(arguments: wrongOptions)
        func wrongOption(arguments: [String], says: String) throws {
            let result = try run(portgauge.path, arguments)
            #expect(result.errors.hasPrefix("Error: "))
            expectRefusal(result, 64, says)
        }

        @Test func versionAndHelp() throws {
            #expect(try run(portgauge.path, ["--version"]).output.hasPrefix("0."))
            let help = try run(portgauge.path, ["--help"])
            #expect(help.status == 0 && help.output.contains("trace (default)"))
            #expect(try run(portgauge.path, ["trace", "--help"]).output.contains("--warn-at"))
        }

        /// Runs as nobody; the binary may lie where nobody can reach it.
        @Test func notRoot() throws {
            let copy = "/tmp/portgauge-test-\(getpid())"
            try run("/usr/bin/install", ["-m", "755", portgauge.path, copy])
            defer { unlink(copy) }
            let result = try run(
                "/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", copy])
            expectRefusal(
                result, 1, "run as root, or grant CAP_BPF, CAP_PERFMON and CAP_SYSLOG")
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        @Test func noTypeInformation() throws {
            let result = try run(
                "/usr/bin/unshare",
                [
                    "--mount", "sh", "-c",
                    "mount -t tmpfs none /sys/kernel/btf && exec \(portgauge.path) --duration 1",
                ])
            expectRefusal(result, 1, "/sys/kernel/btf/vmlinux: ENOENT (the kernel must have BTF")
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        /// Memory of BPF is no longer charged to it since 5.11, so it must not matter.
        @Test func memoryLockIsNotNeeded() throws {
            let result = try run(
                "/usr/bin/prlimit", ["--memlock=0:0", portgauge.path, "--duration", "0.2"])
            #expect(result.status == 0)
            #expect(result.errors == "")
            #expect(result.output.contains("Summary"))
        }

        @Test func standardOutputClosed() throws {
            let result = try run("/bin/sh", ["-c", "\(portgauge.path) --duration 1 >&-"])
            expectRefusal(result, 1, "write standard output: EBADF (it is closed")
        }

        @Test func readerGoesAway() throws {
            let result = try run(
                "/bin/bash",
                [
                    "-c",
                    "\(portgauge.path) --duration 20 | head -n 1 > /dev/null; exit ${PIPESTATUS[0]}",
                ])
            expectRefusal(result, 1, "write standard output: EPIPE (its reader has gone")
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        @Test func fullDisk() throws {
            let result = try run(
                "/bin/sh", ["-c", "exec \(portgauge.path) --duration 0.2 > /dev/full"])
            expectRefusal(result, 1, "ENOSPC (the summary is missing: free some space")
        }

        /// Each call of bpf() fails once: then it goes on without something it can do without and
        /// says so, or it ends with a line that says what failed. Never does it crash or stay silent.
        @Test func anyRefusalOfTheKernel() throws {
            let plain = try run(
                "/usr/bin/strace",
                ["-f", "-qq", "-e", "trace=bpf", portgauge.path, "--duration", "0.05"])
            let calls = plain.errors.split(separator: "\n").count { $0.contains("bpf(") }
            #expect(calls > 20)
            var refused = 0
            // Every third, as each takes a third of a second.
            for call in stride(from: 1, through: calls, by: 3) {
                let result = try run(
                    "/usr/bin/strace",
                    [
                        "-f", "-qq", "-o", "/dev/null", "-e", "trace=bpf",
                        "-e", "inject=bpf:error=EINVAL:when=\(call)", portgauge.path,
                        "--duration", "0.05",
                    ])
                if result.status == 0 {
                    #expect(result.output.contains("Summary"), "call \(call)")
                } else {
                    refused += 1
                    #expect(result.status == 1, "call \(call)")
                    #expect(result.errors.hasPrefix("portgauge: "), "call \(call)")
                    #expect(!result.output.contains("Summary"), "call \(call)")
                }
            }
            #expect(refused > 0)
        }

        @Test func nothingIsLeftBehindWhenKilled() throws {
            /// The programs that a process has a descriptor for.
            @Sendable func programs(of process: Int32) throws -> Set<String> {
                let folder = "/proc/\(process)/fdinfo"
                let ids = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
                    try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
                        .firstMatch(of: /prog_id:\t(\d+)/)
                }
                return Set(ids.map { String($0.1) })
            }
            let ids = try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let tracer = try Tracer()
                let ids = try programs(of: tracer.processIdentifier)
                var load = ConnectLoop(destinations: Endpoint.loopback(count: 8, port: Scene.port))
                load.connections = 2000
                #expect(try load.run().opened == 2000)
                tracer.kill9()
                return ids
            }
            // Three timers and sockets, three iterators, two that are run on demand, two to four copies of
            // the fourth, two for cookies, and five that tell what calls return, or two and five for
            // attempts.
            #expect((13...20).contains(ids.count))
            // The kernel frees programs a moment after their last user has gone.
            for id in ids {
                var loaded = true
                for _ in 0..<200 where loaded {
                    loaded =
                        try run("/usr/sbin/bpftool", ["prog", "show", "id", id]).status == 0
                    if loaded { Foundation.Thread.sleep(forTimeInterval: 0.1) }
                }
                #expect(!loaded)
            }
        }

        @Test func noColourOutsideATerminal() throws {
            let result = try run(portgauge.path, ["--duration", "0.1"])
            #expect(!result.output.contains("\u{1b}"))
        }

        /// `script` gives it a terminal.
        @Test(arguments: [("", true), ("NO_COLOR=1 ", false), ("TERM=dumb ", false)])
        func colourOnATerminal(setting: String, coloured: Bool) throws {
            let result = try run(
                "/usr/bin/script",
                [
                    "-qec", "env -u NO_COLOR TERM=xterm \(setting)\(portgauge.path) --duration 0.1",
                    "/dev/null",
                ])
            #expect(result.output.contains("Summary"))
            #expect(result.output.contains("\u{1b}[") == coloured)
        }

        @Test func aSecondInterruptEndsAtOnce() throws {
            // A pipe that nobody reads, full before the summary: the first Ctrl-C waits there.
            let result = try run(
                "/usr/bin/timeout",
                [
                    "60", "/bin/bash", "-c",
                    """
                    mkfifo /tmp/pg-$$; exec 3<>/tmp/pg-$$; rm /tmp/pg-$$
                    head -c 65536 /dev/zero >&3
                    \(portgauge.path) >&3 & tracer=$!
                    # SIGINT is blocked while a trace runs, and no longer when it has ended.
                    blocked() { grep -q '^SigBlk:.*[2367abef]$' /proc/$tracer/status; }
                    until blocked; do sleep 0.05; done
                    sleep 0.5; kill -INT $tracer
                    while blocked; do sleep 0.05; done
                    sleep 0.2; kill -0 $tracer && echo waits
                    kill -INT $tracer; wait $tracer; echo $?
                    """,
                ])
            #expect(result.output == "waits\n130\n", "\(result.errors)")
        }
    }
}
