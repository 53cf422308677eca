import Foundation
import Testing

/// `schema/event.schema.json`, and a validator to hold lines against it.
enum Schema {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
        .appending(path: "schema")
    private static let file = folder.appending(path: "event.schema.json")

    static var parsed: JSON {
        get throws { try JSON(String(contentsOf: file, encoding: .utf8)) }
    }

    /// What the schema has against each line; nothing if it is valid.
    ///
    /// - Parameter name: of the schema.
    static func complaints(
        about lines: [String], by name: String = "event.schema.json"
    ) throws -> [[String]] {
        let script = """
            import json, sys
            from jsonschema import Draft202012Validator, RefResolver
            schema = json.load(open(sys.argv[1]))
            Draft202012Validator.check_schema(schema)
            resolver = RefResolver("file://" + sys.argv[1], schema)
            validator = Draft202012Validator(schema, resolver=resolver)
            print(json.dumps([
                [error.message for error in validator.iter_errors(json.loads(line))]
                for line in open(sys.argv[2], encoding="utf-8")]))
            """
        let input = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try Data(lines.joined(separator: "\n").utf8).write(to: input)
        defer { try? FileManager.default.removeItem(at: input) }
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/python3")
        python.arguments = [
            "-W", "ignore", "-c", script, folder.appending(path: name).path, input.path,
        ]
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let answer = try output.fileHandleForReading.readToEnd()
        python.waitUntilExit()
        try #require(python.terminationStatus == 0, "is python3-jsonschema installed?")
        let complaints = try JSONDecoder().decode([[String]].self, from: try #require(answer))
        try #require(complaints.count == lines.count)
        return complaints
    }
}
