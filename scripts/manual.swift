// Makes the man page from what `portgauge --experimental-dump-help` says, which is what --help says.
//
// The discussion of a command has paragraphs, and blocks: a title such as `Examples:` and indented
// lines below, of a term and, after two blanks or more, what is said of it. The blocks of all
// commands that have one title become one section of the page.

import Foundation

struct Tool: Decodable { var command: Command }

struct Command: Decodable {
    var commandName: String
    var abstract: String?
    var discussion: String?
    var defaultSubcommand: String?
    var shouldDisplay: Bool
    var subcommands: [Command]?
    var arguments: [Argument]?
}

struct Argument: Decodable {
    struct Name: Decodable {
        var kind: String
        var name: String
    }
    var kind: String
    var shouldDisplay: Bool
    var names: [Name]?
    var valueName: String?
    var abstract: String?
    var defaultValue: String?
    var allValues: [String]?
}

// MARK: - What a discussion says

struct Discussion {
    var paragraphs: [String] = []
    var blocks: [(title: String, items: [(term: String, text: String)])] = []

    init(_ text: String?) {
        for part in (text ?? "").components(separatedBy: "\n\n") where !part.isEmpty {
            let lines = part.components(separatedBy: "\n")
            guard lines.count > 1, lines[0].hasSuffix(":"), lines[1].hasPrefix("  ") else {
                paragraphs.append(lines.joined(separator: " "))
                continue
            }
            blocks.append((String(lines[0].dropLast()), lines.dropFirst().map(Self.item)))
        }
    }

    private static func item(_ line: String) -> (term: String, text: String) {
        let line = line.drop { $0 == " " }
        guard let gap = line.range(of: "  ") else { return (String(line), "") }
        return (String(line[..<gap.lowerBound]), String(line[gap.upperBound...].drop { $0 == " " }))
    }

    func items(_ title: String) -> [(term: String, text: String)] {
        blocks.filter { $0.title == title }.flatMap(\.items)
    }
}

// MARK: - mdoc

/// Text that no request or escape is made of; a hyphen is one that can be copied.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": result += "\\e"
        case "-": result += "\\-"
        case "\"": result += "\\(dq"
        case "'": result += "\\(aq"
        case "`": result += "\\(ga"
        case _ where scalar.isASCII: result.unicodeScalars.append(scalar)
        default: result += "\\[u" + String(format: "%04X", scalar.value) + "]"
        }
    }
    return result.hasPrefix(".") ? "\\&" + result : result
}

/// Prints sentences, each on lines of its own.
func say(_ text: String) {
    var line = ""
    for word in text.split(separator: " ") {
        // What looks like a function is none that the page documents.
        let word = escaped(String(word)).replacingOccurrences(of: "()", with: "\\&()")
        if !line.isEmpty, line.count + 1 + word.count > 78 {
            print(line)
            line = ""
        }
        line += line.isEmpty ? word : " " + word
        if [".", "?", ".)"].contains(where: word.hasSuffix) {
            print(line)
            line = ""
        }
    }
    if !line.isEmpty { print(line) }
}

/// As one argument of a request.
func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }

func list(_ items: [(term: String, text: String)], _ request: String) {
    guard !items.isEmpty else { return }
    print(".Bl -tag -width Ds")
    for item in items {
        print(".It \(request) \(quoted(item.term))")
        say(item.text)
    }
    print(".El")
}

func describe(_ arguments: [Argument]) {
    guard !arguments.isEmpty else { return }
    print(".Bl -tag -width Ds")
    var index = 0
    while index < arguments.count {
        var argument = arguments[index]
        index += 1
        // A flag and its inversion are two that say the same.
        while index < arguments.count, arguments[index].abstract == argument.abstract {
            argument.names? += arguments[index].names ?? []
            index += 1
        }
        describe(argument)
    }
    print(".El")
}

func describe(_ argument: Argument) {
    var words: [String] = []
    for name in argument.names ?? [] {
        if !words.isEmpty { words.append(",") }
        words += ["Fl", name.kind == "short" ? name.name : quoted("-" + name.name)]
    }
    if argument.kind != "flag" { words += ["Ar", quoted(argument.valueName ?? "value")] }
    print(".It " + words.joined(separator: " "))
    say(argument.abstract ?? "")
    var facts: [String] = []
    if let values = argument.allValues { facts.append("values: " + values.joined(separator: ", ")) }
    if let value = argument.defaultValue, !value.isEmpty { facts.append("default: \(value)") }
    if !facts.isEmpty { say("(\(facts.joined(separator: "; ")))") }
}

// MARK: - The page

let root = try JSONDecoder().decode(
    Tool.self, from: FileHandle.standardInput.readDataToEndOfFile()
).command
let commands = (root.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
let common = (root.arguments ?? []).filter(\.shouldDisplay)
let date = DateFormatter()
date.locale = Locale(identifier: "en_US_POSIX")
date.timeZone = TimeZone(identifier: "UTC")
date.dateFormat = "MMMM d, yyyy"
let made = ProcessInfo.processInfo.environment["SOURCE_DATE_EPOCH"].flatMap(TimeInterval.init)

print(".Dd \(date.string(from: made.map { Date(timeIntervalSince1970: $0) } ?? Date()))")
print(".Dt \(root.commandName.uppercased()) 1\n.Os Linux\n.Sh NAME\n.Nm \(root.commandName)")
let abstract = (root.abstract ?? "").trimmingCharacters(in: ["."])
print(".Nd \(escaped(abstract.prefix(1).lowercased() + abstract.dropFirst()))")
print(".Sh SYNOPSIS")
for command in commands {
    let isDefault = command.commandName == root.defaultSubcommand
    print(".Nm\n" + (isDefault ? ".Op Cm " : ".Cm ") + command.commandName)
    if !(command.arguments ?? []).filter({ !isCommon($0) }).isEmpty { print(".Op Ar options") }
}
print(".Sh DESCRIPTION")
for (index, paragraph) in Discussion(root.discussion).paragraphs.enumerated() {
    if index > 0 { print(".Pp") }
    say(paragraph)
}
print(".Pp\nWith every command:")
describe(common)

func isCommon(_ argument: Argument) -> Bool {
    common.contains { $0.names?.last?.name == argument.names?.last?.name }
}

print(".Sh COMMANDS")
for command in commands {
    print(".Ss \(root.commandName) \(command.commandName)")
    say(command.abstract ?? "")
    for paragraph in Discussion(command.discussion).paragraphs {
        print(".Pp")
        say(paragraph)
    }
    describe((command.arguments ?? []).filter { $0.shouldDisplay && !isCommon($0) })
}

/// The blocks of this title, those of a command below its name.
func section(_ title: String, _ request: String) {
    print(".Sh \(title.uppercased())")
    list(Discussion(root.discussion).items(title), request)
    for command in commands {
        let items = Discussion(command.discussion).items(title)
        guard !items.isEmpty else { continue }
        print(".Ss \(root.commandName) \(command.commandName)")
        list(items, request)
    }
}
section("Environment", "Ev")
section("Files", "Pa")
section("Exit status", "Li")
section("Examples", "Li")
print(".Sh SEE ALSO\n.Xr ip 7 ,\n.Xr tcp 7 ,\n.Xr ss 8")
