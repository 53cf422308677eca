/// A JSON value, for what is written once: events have a writer of their own.
package enum JSONValue: CustomStringConvertible, ExpressibleByDictionaryLiteral, Sendable {
    case null
    case bool(Bool)
    case int(Int)
    /// With one digit after the point.
    case tenths(Double)
    case string(String)
    case array([JSONValue])
    /// In this order.
    case object([(String, JSONValue)])

    package init(dictionaryLiteral fields: (String, JSONValue)...) { self = .object(fields) }

    package static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    package static func optional(_ number: Int?) -> JSONValue { number.map { .int($0) } ?? .null }

    /// The object with the fields of both.
    package static func + (a: JSONValue, b: JSONValue) -> JSONValue {
        guard case .object(let first) = a, case .object(let second) = b else { return a }
        return .object(first + second)
    }

    /// On one line.
    package var description: String { text(indent: nil) }

    /// A line for each value that has no other ones in it.
    package var indented: String { text(indent: 0) + "\n" }

    private func text(indent: Int?) -> String {
        var line = TextBuffer()
        write(to: &line, indent: indent)
        return String(line)
    }

    /// - Parameter indent: spaces before each line; nil if all of it is to be on this one.
    private func write(to line: inout TextBuffer, indent: Int?) {
        switch self {
        case .null: line.append("null")
        case .bool(let value): line.append(value ? "true" : "false")
        case .int(let value): line.append(value)
        case .tenths(let value): line.append(tenths: value)
        case .string(let value): line.append(quoted: value)
        case .array(let values):
            let isSplit = indent != nil && values.contains(where: \.hasValues)
            list(values, "[", "]", indent, isSplit, &line) { $0.write(to: &$1, indent: $2) }
        case .object(let fields):
            let isSplit = indent != nil && fields.contains { $0.1.hasValues }
            list(fields, "{", "}", indent, isSplit, &line) { field, line, indent in
                line.append(quoted: field.0)
                line.append(indent == nil ? ":" : ": ")
                field.1.write(to: &line, indent: indent)
            }
        }
    }

    private var hasValues: Bool {
        switch self {
        case .array, .object: true
        default: false
        }
    }

    private func list<Item>(
        _ items: [Item], _ begin: StaticString, _ end: StaticString, _ indent: Int?,
        _ isSplit: Bool, _ line: inout TextBuffer, _ write: (Item, inout TextBuffer, Int?) -> Void
    ) {
        let inner = indent.map { $0 + 2 }
        line.append(begin)
        for (index, item) in items.enumerated() {
            if index > 0 { line.append(indent == nil || isSplit ? "," : ", ") }
            if isSplit { line += "\n\(spaces: inner ?? 0)" }
            write(item, &line, inner)
        }
        if isSplit { line += "\n\(spaces: indent ?? 0)" }
        line.append(end)
    }
}
