import Foundation
import LoadGenerator
import Testing

/// A terminal of tmux with a shell in it, in the network namespace of the thread that made it. Its
/// server is one of its own, and ends with this.
final class Multiplexer {
    private let name: String
    private let server = Process()
    /// For whatever the commands in it write.
    let folder: String

    init(columns: Int, rows: Int, locale: String = "C.UTF-8") throws {
        name = "portgauge-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        folder = "/tmp/\(name)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        server.executableURL = URL(fileURLWithPath: "/usr/bin/tmux")
        server.arguments = ["-D", "-L", name, "-f", "/dev/null"]
        server.standardInput = FileHandle.nullDevice
        try server.run()
        let session = [
            "new-session", "-d", "-x", "\(columns)", "-y", "\(rows)", "-e", "LC_ALL=\(locale)",
            "-e",
            "NO_COLOR=", "-e", "HISTFILE=", "bash --norc --noprofile",
        ]
        var attempts = 0
        // The server takes a moment to listen.
        while (try? tmux(session)) == nil {
            attempts += 1
            try #require(attempts < 100 && server.isRunning)
            Foundation.Thread.sleep(forTimeInterval: 0.1)
        }
        try type("PS1='$ '; clear", "Enter")
        try wait("a prompt") { $0.hasPrefix("$\n") || $0.hasPrefix("$ \n") }
    }

    deinit {
        // SIGTERM would have it wait for the shell. What is in the terminal gets a SIGHUP.
        kill(server.processIdentifier, SIGKILL)
        server.waitUntilExit()
        for path in [folder, "/tmp/tmux-\(getuid())/\(name)"] {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    @discardableResult
    private func tmux(_ arguments: [String]) throws -> String {
        // Never starts a server: that would be a daemon, for which Foundation waits for ever.
        let result = try run("/usr/bin/tmux", ["-u", "-N", "-L", name] + arguments)
        guard result.status == 0 else {
            throw Refusal(description: "tmux \(arguments): \(result.errors)")
        }
        return result.output
    }

    /// Keys by tmux's names, and text that is none of them.
    func type(_ keys: String...) throws { try tmux(["send-keys"] + keys) }

    func resize(columns: Int, rows: Int) throws {
        try tmux(["resize-window", "-x", "\(columns)", "-y", "\(rows)"])
    }

    /// The screen, without spaces at the ends of its lines.
    var screen: String { get throws { try tmux(["capture-pane", "-p"]) } }

    /// The screen and what has scrolled off it.
    var everything: String { get throws { try tmux(["capture-pane", "-p", "-J", "-S", "-"]) } }

    /// Whether the alternate screen is off, the cursor visible, and long lines wrap.
    var isOrdinary: Bool {
        get throws {
            let modes = "#{alternate_on} #{cursor_flag} #{wrap_flag}"
            return try tmux(["display-message", "-p", modes]) == "0 1 1\n"
        }
    }

    /// What a command has written to a file in `folder`, once it has.
    func file(_ name: String) throws -> String {
        var text = ""
        for _ in 0..<200 {
            text = (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
            if text.hasSuffix("\n") { return text }
            Foundation.Thread.sleep(forTimeInterval: 0.1)
        }
        throw Timeout(what: "the file \(name)", screen: try screen)
    }

    /// Waits until the screen is as wanted. Returns it.
    @discardableResult
    func wait(_ what: String, until condition: (String) -> Bool) throws -> String {
        for _ in 0..<200 {
            let screen = try screen
            if condition(screen) { return screen }
            Foundation.Thread.sleep(forTimeInterval: 0.1)
        }
        throw Timeout(what: what, screen: try screen)
    }

    struct Refusal: Error, CustomStringConvertible { var description: String }

    struct Timeout: Error, CustomStringConvertible {
        var what: String
        var screen: String
        var description: String { "no \(what) on:\n\(screen)" }
    }
}
