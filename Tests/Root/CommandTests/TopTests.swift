import Foundation
import LoadGenerator
import Testing

/// The live view in a real terminal.
extension LiveTests {
    @Suite struct TopTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40063", "ipv4/tcp_tw_reuse": "0",
        ]
        /// Of the load, told from all else that happens on the host: 15 bytes at most.
        private static let churner = "pg-churn-\(getpid())"
        private static let holder = "pg-hold-\(getpid())"

        private func load(_ arguments: String...) throws -> Process {
            let process = Process()
            process.executableURL = portgauge
            process.arguments = ["load", "--in-place", "--destinations", "1"] + arguments
            process.standardInput = Pipe()
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            return process
        }

        /// 64 ports that end in TIME_WAIT, and `failures` that find none.
        private func exhaust(failures: Int) throws {
            let churn = try load(
                "--port", "8080", "--connections", "\(64 + failures)", "--clients", "1", "--rate",
                "400", "--name", Self.churner)
            churn.waitUntilExit()
        }

        /// The view, of the load's processes only. What the terminal was like before and after is in
        /// the files `before` and `after`, its exit status in `status`.
        private func start(_ terminal: Multiplexer, _ arguments: String = "") throws {
            let folder = terminal.folder
            let script = """
                trap : INT
                stty -g > \(folder)/before
                sh -c 'echo $$ > \(folder)/pid; exec \(portgauge.path) top --comm \(Self.churner) \
                --comm \(Self.holder) \(arguments)'
                echo $? > \(folder)/status
                stty -g > \(folder)/after
                """
            try script.write(toFile: "\(folder)/script", atomically: true, encoding: .utf8)
            try terminal.type("clear; sh \(folder)/script", "Enter")
            try terminal.wait("a frame") { $0.contains("? help") || $0.contains("USED") }
        }

        private func pid(_ terminal: Multiplexer) throws -> pid_t {
            try #require(pid_t(terminal.file("pid").dropLast()))
        }

        /// It has ended, and nothing of it is left in the terminal.
        private func expectRestored(_ terminal: Multiplexer, status: Int32) throws {
            #expect(try terminal.file("status") == "\(status)\n")
            #expect(try terminal.file("after") == terminal.file("before"))
            #expect(try terminal.isOrdinary)
        }

        @Test func whatItShows() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let terminal = try Multiplexer(columns: 80, rows: 24)
                try start(terminal)
                let held = try load(
                    "--port", "8081", "--connections", "32", "--clients", "1", "--hold", "--name",
                    Self.holder)
                defer {
                    kill(held.processIdentifier, SIGKILL)
                    held.waitUntilExit()
                }
                try exhaust(failures: 36)
                let churned = "127.0.0.1 → 127.0.0.1:8080"
                let kept = "127.0.0.1 → 127.0.0.1:8081"
                var screen = try terminal.wait("two tuples") {
                    $0.contains("failed 36") && $0.contains(kept) && $0.contains("100.0%")
                }
                let lines = screen.split(separator: "\n")
                let first = try #require(lines.first { $0.contains(churned) })
                #expect(first.contains("100.0% ▒▒▒▒▒▒") && first.contains("full"))
                #expect(first.contains(" 64 ") && first.contains(" 36 "))
                let second = try #require(lines.first { $0.contains(kept) })
                #expect(second.contains(" 50.0% ███···"))
                #expect(screen.contains("ports 96 held, 66.7 % in TIME_WAIT"))
                #expect(screen.contains("accuracy: lost 0  slipped 0"))
                #expect(
                    screen.firstRange(of: churned)!.lowerBound
                        < screen.firstRange(of: kept)!.lowerBound)

                // In reverse.
                try terminal.type("i")
                try terminal.wait("the other order") {
                    guard let churned = $0.firstRange(of: churned),
                        let kept = $0.firstRange(of: kept)
                    else { return false }
                    return kept.lowerBound < churned.lowerBound
                }
                try terminal.type("i")

                // Only some.
                try terminal.type("/")
                try terminal.type("-l", Self.holder)
                try terminal.wait("the filter") { $0.contains(kept) && !$0.contains(churned) }
                try terminal.type("Enter")
                try terminal.wait("the matches") { $0.contains(": 1 match\n") }
                try terminal.type("Escape")
                try terminal.wait("all") { $0.contains(churned) }

                // The processes.
                try terminal.type("Down", "Enter")
                screen = try terminal.wait("the processes") {
                    $0.contains("0 of 64 left; held 64: 0 in use, 64 in TIME_WAIT")
                        && $0.contains("\(Self.churner)[")
                }
                #expect(screen.contains("64        64      64      36 \(Self.churner)["))
                #expect(screen.contains("  exhausted 36"))

                // It stands still, while all is counted.
                try terminal.type("p")
                try terminal.wait("a pause") { $0.contains("PAUSED") }
                try exhaust(failures: -60)
                Foundation.Thread.sleep(forTimeInterval: 1.5)
                #expect(try terminal.screen.contains("failed 36"))
                try terminal.type("p")
                try terminal.wait("what has come meanwhile") { $0.contains("failed 40") }

                // Other sizes.
                for (columns, rows) in [(200, 50), (40, 10), (1, 1), (2, 3), (120, 30)] {
                    try terminal.resize(columns: columns, rows: rows)
                    try terminal.wait("a frame of \(columns) × \(rows)") { screen in
                        let lines = screen.split(separator: "\n", omittingEmptySubsequences: false)
                        if columns == 1 { return lines.first?.count == 1 }
                        if columns == 2 { return screen.hasPrefix("po\n") }
                        let last = lines.dropLast().last ?? ""
                        return lines.count == rows + 1 && last.hasPrefix("? help")
                            && (columns < 100 || screen.contains("TOP PROCESS"))
                    }
                }
                try terminal.resize(columns: 80, rows: 24)
                try terminal.type("?")
                try terminal.wait("help") { $0.contains("any key: back to the list") }
                try terminal.type("q")
                try terminal.wait("the list") { $0.contains(churned) }
                try terminal.type("q")
                try expectRestored(terminal, status: 0)
                let all = try terminal.everything
                #expect(all.contains("\nSummary of "))
                #expect(all.contains("96 opened, 64 closed, 40 failed for want of a port"))
            }
        }

        enum Ending: CaseIterable {
            case key, interrupt, duration, terminate, hangUp, quit, segmentationFault, abort, trap

            var signal: Int32? {
                switch self {
                case .key, .interrupt, .duration: nil
                case .terminate: SIGTERM
                case .hangUp: SIGHUP
                case .quit: SIGQUIT
                case .segmentationFault: SIGSEGV
                case .abort: SIGABRT
                case .trap: SIGTRAP
                }
            }

            var isDeath: Bool { [.quit, .segmentationFault, .abort, .trap].contains(self) }
        }

        @Test(arguments: Ending.allCases)
        func restoresTheTerminal(_ ending: Ending) throws {
            let terminal = try Multiplexer(columns: 80, rows: 24)
            try start(terminal, ending == .duration ? "--duration 1" : "")
            #expect(try ending == .duration || !terminal.isOrdinary)
            switch ending {
            case .key: try terminal.type("q")
            case .interrupt: try terminal.type("C-c")
            default: if let signal = ending.signal { kill(try pid(terminal), signal) }
            }
            let status = ending.isDeath ? 128 + (ending.signal ?? 0) : 0
            try expectRestored(terminal, status: status)
            #expect(try terminal.everything.contains("Summary of") != ending.isDeath)
        }

        @Test func withoutSummary() throws {
            let terminal = try Multiplexer(columns: 80, rows: 24)
            try start(terminal, "--no-summary --duration 1")
            try expectRestored(terminal, status: 0)
            #expect(try !terminal.everything.contains("Summary of"))
        }

        /// Ctrl-Z leaves the screen, `fg` is back on it, `bg` counts on without one.
        @Test func isAJobOfTheShell() throws {
            let terminal = try Multiplexer(columns: 80, rows: 24)
            try terminal.type("stty -g > \(terminal.folder)/before", "Enter")
            try terminal.type("\(portgauge.path) top --comm \(Self.churner)", "Enter")
            try terminal.wait("a frame") { $0.contains("? help") }
            for _ in 0..<2 {
                try terminal.type("C-z")
                try terminal.wait("the shell") { $0.contains("Stopped") }
                #expect(try terminal.isOrdinary)
                try terminal.type("clear; fg", "Enter")
                try terminal.wait("a frame") { $0.contains("? help") }
                #expect(try !terminal.isOrdinary)
            }
            try terminal.type("C-z")
            try terminal.wait("the shell") { $0.contains("Stopped") }
            try terminal.type("clear; bg; sleep 2; echo still", "Enter")
            try terminal.wait("the shell") { $0.contains("\nstill") }
            #expect(try terminal.isOrdinary)
            try terminal.type("clear; fg", "Enter")
            try terminal.wait("a frame") { $0.contains("? help") }
            try terminal.type("q")
            try terminal.wait("a summary") { $0.contains("accuracy   0 records lost") }
            try terminal.type("stty -g > \(terminal.folder)/after", "Enter")
            #expect(try terminal.file("after") == terminal.file("before"))
            #expect(try terminal.isOrdinary)
        }

        /// A terminal that takes no output loses frames, the trace loses nothing; and it ends.
        @Test func terminalIsStopped() throws {
            try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let terminal = try Multiplexer(columns: 80, rows: 24)
                try start(terminal)
                try terminal.type("C-s")
                let churn = try load(
                    "--connections", "20000", "--rate", "5000", "--name", Self.churner)
                churn.waitUntilExit()
                let screen = try terminal.screen
                #expect(screen.contains("no port is held"), "\(screen)")
                kill(try pid(terminal), SIGTERM)
                try expectRestored(terminal, status: 0)
                let all = try terminal.everything
                #expect(all.contains("connects   20,000 opened, "))
                #expect(all.contains("0 records lost"))
            }
        }

        @Test func withoutUTF8() throws {
            let terminal = try Multiplexer(columns: 80, rows: 24, locale: "C")
            try start(terminal)
            #expect(try terminal.screen.utf8.allSatisfy { $0 < 0x80 })
            try terminal.type("q")
            try expectRestored(terminal, status: 0)
        }

        @Test func withoutATerminal() throws {
            let result = try run(portgauge.path, ["top"])
            #expect(result.status == 1 && result.output == "")
            #expect(result.errors.hasPrefix("portgauge: show a screen: ENOTTY ("))
            #expect(result.errors.split(separator: "\n").count == 1)
        }

        @Test func onADumbTerminal() throws {
            let terminal = try Multiplexer(columns: 120, rows: 24)
            try terminal.type("TERM=dumb \(portgauge.path) top; echo status $?", "Enter")
            let screen = try terminal.wait("an end") { $0.contains("\nstatus 1") }
            #expect(screen.contains("portgauge: show a screen: EOPNOTSUPP (TERM is 'dumb'"))
        }
    }
}
