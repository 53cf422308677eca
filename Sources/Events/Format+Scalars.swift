/// A whole number. In a recording 0 is accepted also where the schema begins at 1.
package struct Integer<Value: FixedWidthInteger>: Format {
    var least: Int?
    var most: Int?

    package func write(_ value: Value, _ writer: inout FieldWriter) {
        writer.line.append(Int(clamping: value))
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Value? {
        let least = least.map { min($0, 0) } ?? -JSONReader.greatest
        return reader.integer(node, from: least, to: most ?? JSONReader.greatest)
            .flatMap { Value(exactly: $0) }
    }

    package var keywords: Keywords {
        if let least, least == most { return [("const", .int(least))] }
        return SchemaPrinter.number("integer", least, most)
    }
}

extension Format {
    /// - Parameter least: nil if it may be negative.
    package static func integer<T>(_ least: Int? = 0, to most: Int? = nil) -> Self
    where Self == Integer<T> { Integer(least: least, most: most) }
}

extension Format where Self == Integer<Int> {
    package static var count: Self { Integer(least: 0) }
}

/// A number with one digit after the point. The range is the schema's only.
package struct Tenths: Format {
    var least: Int?
    var most: Int?

    package func write(_ value: Double, _ writer: inout FieldWriter) {
        writer.line.append(tenths: value)
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Double? { reader.double(node) }

    package var keywords: Keywords { SchemaPrinter.number("number", least, most) }
}

extension Format where Self == Tenths {
    package static func tenths(_ least: Int? = 0, to most: Int? = nil) -> Self {
        Tenths(least: least, most: most)
    }
}

/// Nanoseconds, as so many of a larger unit: with three digits after the point, or whole.
struct Elapsed: Format {
    /// Nanoseconds of the last digit.
    var unit: UInt64
    var isWhole = false

    func write(_ value: UInt64, _ writer: inout FieldWriter) {
        let value = value / unit
        if isWhole { return writer.line.append(Int(clamping: value)) }
        writer.line.append(thousandths: value)
    }

    func read(_ node: Node, _ reader: inout JSONReader) -> UInt64? {
        if isWhole {
            return reader.integer(node, from: 0, to: JSONReader.greatest).map { UInt64($0) * unit }
        }
        guard let value = reader.double(node), (0...1e12).contains(value) else { return nil }
        return UInt64((value * 1000).rounded()) * unit
    }

    var keywords: Keywords { SchemaPrinter.number(isWhole ? "integer" : "number", 0, nil) }
}

extension Format where Self == Elapsed {
    static var seconds: Self { Elapsed(unit: 1_000_000) }
    static var milliseconds: Self { Elapsed(unit: 1000) }
    static var microseconds: Self { Elapsed(unit: 1000, isWhole: true) }
}

package struct Flag: Format {
    package func write(_ value: Bool, _ writer: inout FieldWriter) {
        writer.line.append(value ? "true" : "false" as StaticString)
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Bool? {
        switch reader.document.kind(of: node) {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    package var keywords: Keywords { [("type", .string("boolean"))] }
}

extension Format where Self == Flag { package static var flag: Self { Flag() } }

/// Any text, or one of some.
package struct Text: Format {
    /// How long it is at least, and which ones there are, for the schema.
    var least = 0
    var names: [String] = []

    package func write(_ value: String, _ writer: inout FieldWriter) {
        writer.line.append(quoted: value)
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> String? { reader.string(node) }

    package var keywords: Keywords {
        guard names.isEmpty else { return SchemaPrinter.names(names) }
        return [("type", .string("string"))] + (least > 0 ? [("minLength", .int(least))] : [])
    }
}

extension Format where Self == Text {
    static var text: Self { Text(least: 1) }
    static var anyText: Self { Text() }
    package static func text(_ names: String...) -> Self { Text(names: names) }
}

/// One of some names.
package struct Name<Value: RawRepresentable<String>>: Format {
    /// Those that the schema accepts.
    var names: [Value]

    package func write(_ value: Value, _ writer: inout FieldWriter) {
        writer.line.append(quoted: value.rawValue)
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Value? {
        reader.string(node).flatMap(Value.init(rawValue:))
    }

    package var keywords: Keywords { SchemaPrinter.names(names.map(\.rawValue)) }
}

extension Format {
    package static func name<T>(_ names: T...) -> Self where Self == Name<T> { Name(names: names) }
}

/// What says which of several kinds an object is.
package protocol Kind {
    /// An empty one of each.
    static var blanks: [Self] { get }
    /// Stable.
    var name: StaticString { get }
    /// Those of the kinds that have its fields.
    var names: [String] { get }
}

extension Kind {
    package var names: [String] { ["\(name)"] }
}

/// The name of a kind, which it is read from.
package struct Tag<Value: Kind>: Format {
    package func write(_ value: Value, _ writer: inout FieldWriter) { writer.quote(value.name) }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Value? {
        Value.blanks.first { reader.has(node, $0.name) }
    }

    package func schema(_ value: Value?, _ printer: inout SchemaPrinter) -> Keywords {
        SchemaPrinter.names((value ?? Value.blanks[0]).names)
    }
}

extension Format {
    package static func tag<T>() -> Self where Self == Tag<T> { Tag() }
}
