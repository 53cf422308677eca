import Report

/// A JSON value, for what is written once: events have a writer of their own.
enum JSONValue: CustomStringConvertible {
    case null
    case bool(Bool)
    case int(Int)
    /// With one digit after the point.
    case tenths(Double)
    case string(String)
    case array([JSONValue])
    /// In this order.
    case object([(String, JSONValue)])

    static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
    static func optional(_ number: Int?) -> JSONValue { number.map { .int($0) } ?? .null }

    /// On one line.
    var description: String { text { write(to: &$0) } }

    private func write(to line: inout TextBuffer) {
        switch self {
        case .null: line.append("null")
        case .bool(let value): line.append(value ? "true" : "false")
        case .int(let value): line.append(String(value))
        case .tenths(let value): line.append(tenths: value)
        case .string(let value): line.append(quoted: value)
        case .array(let values):
            line.append("[")
            for (index, value) in values.enumerated() {
                if index > 0 { line.append(",") }
                value.write(to: &line)
            }
            line.append("]")
        case .object(let fields):
            line.append("{")
            for (index, (name, value)) in fields.enumerated() {
                if index > 0 { line.append(",") }
                line.append(quoted: name)
                line.append(":")
                value.write(to: &line)
            }
            line.append("}")
        }
    }
}

extension Double {
    /// `470.5`; infinite and absurd values are cut off at 10¹⁵.
    var tenths: String { text { $0.append(tenths: self) } }
}

extension Int {
    /// `28,232`
    var grouped: String { text { $0.append(grouped: self) } }
}

private func text(_ write: (inout TextBuffer) -> Void) -> String {
    var line = TextBuffer()
    write(&line)
    return String(decoding: line.bytes, as: UTF8.self)
}
