/// A JSON value, for what is written once: events have a writer of their own.
package enum JSONValue: CustomStringConvertible, ExpressibleByDictionaryLiteral {
    case null
    case bool(Bool)
    case int(Int)
    /// A number with one digit after the point.
    case tenths(Double)
    case string(String)
    case array([JSONValue])
    /// Fields in this order.
    case object([(String, JSONValue)])

    package init(dictionaryLiteral fields: (String, JSONValue)...) { self = .object(fields) }

    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func optional(_ number: Int?) -> JSONValue { number.map { .int($0) } ?? .null }

    /// The object with the fields of both.
    static func + (a: JSONValue, b: JSONValue) -> JSONValue {
        guard case .object(let first) = a, case .object(let second) = b else { return a }
        return .object(first + second)
    }

    /// The JSON, on one line.
    package var description: String { String(text) }

    private var text: TextBuffer {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): "\(value)"
        case .tenths(let value): "\(tenths: value)"
        case .string(let value): Self.quoted(value)
        case .array(let values): "[\(joined: values.map(\.text), by: ",")]"
        case .object(let fields):
            "{\(joined: fields.map { "\(Self.quoted($0)):\($1.text)" }, by: ",")}"
        }
    }

    private static func quoted(_ text: String) -> TextBuffer {
        var quoted = TextBuffer()
        quoted.append(quoted: text)
        return quoted
    }
}
