import Foundation
import Testing

/// What `make install` puts in place, and that it is of use there; and what --help says.
@Suite(.serialized) final class InstallTests {
    private let root = FileManager.default.temporaryDirectory
        .appendingPathComponent("portgauge-install-\(getpid())").path

    init() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let result = try run(
            "/usr/bin/make",
            ["-s", "-C", sources.path, "install", "DESTDIR=\(root)", "PREFIX=/usr"])
        try #require(result.status == 0, "\(result)")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    private static let page = "usr/share/man/man1/portgauge.1"
    private static let bash = "usr/share/bash-completion/completions/portgauge"
    private static let zsh = "usr/share/zsh/site-functions/_portgauge"
    private static let fish = "usr/share/fish/vendor_completions.d/portgauge.fish"

    @Test func filesAreInPlace() throws {
        let manager = FileManager.default
        let files = try manager.subpathsOfDirectory(atPath: root).filter { path in
            var isFolder: ObjCBool = false
            return manager.fileExists(atPath: "\(root)/\(path)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
        #expect(
            Set(files) == ["usr/bin/portgauge", Self.page, Self.bash, Self.zsh, Self.fish])
        for file in files {
            let mode = try manager.attributesOfItem(atPath: "\(root)/\(file)")[.posixPermissions]
            #expect(mode as? Int == (file.hasPrefix("usr/bin") ? 0o755 : 0o644), "\(file)")
        }
    }

    // MARK: Help and man page

    /// The commands that are shown, and what the help of each says.
    private func helps() throws -> [String: String] {
        let binary = "\(root)/usr/bin/portgauge"
        let help = try run(binary, ["--help"]).output
        let list = try #require(help.split(separator: "SUBCOMMANDS:\n").last)
        let names = list.matches(of: #/(?m)^  ([a-z]+) /#).map { String($0.1) }
        try #require(names.contains("trace") && names.contains("doctor"))
        return try names.reduce(into: ["": help]) {
            $0[$1] = try run(binary, [$1, "--help"]).output
        }
    }

    @Test func everyCommandHasHelpWithExamples() throws {
        for (name, help) in try helps() {
            let (examples, rest) = try #require(
                help.firstMatch(of: /\n *Examples:\n((?: +.*portgauge.*\n)+)((?s:.*))/)
                    .map { ($0.1, $0.2) }, "\(name): \(help)")
            #expect(examples.contains("portgauge"), "\(name)")
            #expect(rest.hasPrefix("\nUSAGE: portgauge"), "\(name)")
            for line in help.split(separator: "\n") where !line.hasPrefix("USAGE: ") {
                #expect(line.count <= 80, "\(name): \(line)")
            }
        }
    }

    @Test func manPageIsWithoutFault() throws {
        let lint = try run(
            "/usr/bin/mandoc", ["-Tlint", "-Wwarning", "\(root)/\(Self.page)"])
        #expect(lint.status == 0 && lint.output == "" && lint.errors == "", "\(lint)")
    }

    @Test func manPageSaysWhatHelpSays() throws {
        let page = try run(
            "/usr/bin/env",
            [
                "MANWIDTH=80", "LC_ALL=C.UTF-8", "MANROFFOPT=-rHY=0", "man", "-P", "cat", "-l",
                "\(root)/\(Self.page)",
            ]
        ).output
        #expect(page.split(separator: "\n").allSatisfy { $0.count <= 80 })
        for section in [
            "NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "ENVIRONMENT", "FILES", "EXIT STATUS",
            "EXAMPLES",
        ] {
            #expect(page.contains("\n\(section)\n     ") || page.contains("\n\(section)\n   port"))
        }
        let words = Set(page.split { " \n,".contains($0) })
        for (name, help) in try helps() {
            #expect(words.contains(Substring(name)) || name.isEmpty)
            let options = help.matches(of: /(?m)^  (?:-h, )?(--[a-z-]+)/).map(\.1)
            #expect(options.contains("--help"))
            for option in options { #expect(words.contains(option), "\(name): \(option)") }
        }
        #expect(!page.contains("portgauge load"))
    }

    // MARK: Completions

    /// What is typed, and how it goes on.
    static let completions = [
        ("portgauge --eve", "--events"), ("portgauge sn", "snapshot"),
        ("portgauge --events f", "failures"), ("portgauge snapshot --f", "--fail-at"),
        ("portgauge trace --since", "--since-start"), ("portgauge --output j", "json"),
    ]

    @Test(arguments: completions) func bashCompletes(line: String, word: String) throws {
        let result = try run(
            "/bin/bash",
            [
                "-c",
                """
                source "$1"; COMP_LINE=$2; COMP_POINT=${#2}; COMP_WORDS=($2)
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                # Of its own accord, as the loader does it.
                [[ $(complete -p portgauge) =~ -F\\ ([^ ]+) ]] || exit
                ${BASH_REMATCH[1]} portgauge "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
                echo "${COMPREPLY[@]}"
                """, "bash", "\(root)/\(Self.bash)", line,
            ])
        #expect(result.output == "\(word)\n" && result.errors == "", "\(result)")
    }

    @Test(arguments: completions) func fishCompletes(line: String, word: String) throws {
        let result = try run(
            "/usr/bin/env",
            [
                "HOME=\(root)", "XDG_DATA_DIRS=\(root)/usr/share", "PATH=\(root)/usr/bin:/bin",
                "fish", "-c", "complete -C '\(line)'",
            ])
        #expect(result.output.hasPrefix("\(word)\t"), "\(result)")
        #expect(result.output.split(separator: "\n").count == 1, "\(result)")
    }

    /// In a terminal, as zsh completes nowhere else: the line is then printed, not run.
    @Test(arguments: completions) func zshCompletes(line: String, word: String) throws {
        let result = try run(
            "/usr/bin/timeout",
            [
                "60", "zsh", "-f", "-c",
                """
                zmodload zsh/zpty
                zpty shell zsh -f -i
                zpty -w shell "PS1=; unsetopt zle_bracketed_paste; bindkey -e; fpath=($1 \\$fpath)"
                zpty -w shell 'autoload -U compinit; compinit -u -D; print re""ady'
                zpty -r -m shell out $'*\\nready*'
                zpty -n -w shell "$2"$'\\t'
                sleep 0.5
                zpty -n -w shell $'\\C-aprint -r -- "<\\C-e>"\\n'
                zpty -r -m shell out $'*\\n<*>*'
                print -r -- $out
                """, "zsh", "\(root)/usr/share/zsh/site-functions", line,
            ])
        let typed = line.split(separator: " ").dropLast().joined(separator: " ")
        #expect(result.output.contains("\n<\(typed) \(word)"), "\(result)")
    }
}
