import Foundation

/// JSON to be taken apart and spoilt.
enum JSON: Codable, Hashable {
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    init(_ text: String) throws {
        self = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    }

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSON].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .bool(let bool): try value.encode(bool)
        case .number(let number): try value.encode(number)
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    /// Without a newline.
    func line() throws -> String {
        String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
    }

    var fields: [String: JSON] {
        if case .object(let fields) = self { fields } else { [:] }
    }

    /// The objects of this, itself included.
    var objects: [[String: JSON]] {
        switch self {
        case .object(let fields): [fields] + fields.values.flatMap(\.objects)
        case .array(let items): items.flatMap(\.objects)
        default: []
        }
    }

    /// This with one of its objects replaced, by each of those that `body` makes of it.
    func variants(_ body: ([String: JSON]) -> [[String: JSON]]) -> [JSON] {
        switch self {
        case .object(let fields):
            body(fields).map(JSON.object)
                + fields.flatMap { key, value in
                    value.variants(body).map {
                        .object(fields.merging([key: $0]) { _, new in new })
                    }
                }
        case .array(let items):
            items.indices.flatMap { index in
                items[index].variants(body).map { .array(items.replacing(at: index, with: $0)) }
            }
        default: []
        }
    }
}

extension [JSON] {
    fileprivate func replacing(at index: Int, with item: JSON) -> [JSON] {
        var copy = self
        copy[index] = item
        return copy
    }
}
