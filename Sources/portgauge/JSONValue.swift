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
    var description: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .int(let value): text += String(value)
        case .tenths(let value): text += value.tenths
        case .string(let value): Self.write(quoted: value, to: &text)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (index, (name, value)) in fields.enumerated() {
                if index > 0 { text += "," }
                Self.write(quoted: name, to: &text)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    /// What a terminal might obey is escaped, and what some readers take for the end of a line.
    private static func write(quoted value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar.value {
            case ..<0x20, 0x7f..<0xa0, 0x2028, 0x2029:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            case 0x22, 0x5c: text += "\\" + String(scalar)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
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

private func text(_ write: (inout Line) -> Void) -> String {
    var line = Line()
    write(&line)
    return String(decoding: line.bytes, as: UTF8.self)
}
