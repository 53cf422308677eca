/// Goes over the fields of an event in their order: writes, reads or describes each.
///
/// A type says once, in `fields(_:)`, which fields it has: their names, where their values are, how
/// they look and what they are. The visitors are specialised, so that a line costs no more than if it
/// were written by hand.
package protocol FieldVisitor {
    /// Values come from outside: what no field says has to be filled in from those that do.
    var reads: Bool { get }

    /// A field that is always there.
    mutating func field<F: Format>(
        _ name: StaticString, _ value: inout F.Value, _ format: F,
        _ what: @autoclosure () -> String)

    /// A field that is absent where its value is nil; `isRequired`: the schema asks for it all the same.
    mutating func optional<F: Format>(
        _ name: StaticString, _ value: inout F.Value?, _ format: F, isRequired: Bool,
        _ what: @autoclosure () -> String)

    /// Whether the object that is read has such a field; nil where nothing is read.
    mutating func has(_ name: StaticString) -> Bool?

    /// From here on, names and times are those of `context`.
    mutating func use(_ context: RenderContext)
}

extension FieldVisitor {
    package var reads: Bool { false }
    package func has(_ name: StaticString) -> Bool? { nil }
    package func use(_ context: RenderContext) {}

    package mutating func optional<F: Format>(
        _ name: StaticString, _ value: inout F.Value?, _ format: F,
        _ what: @autoclosure () -> String
    ) { optional(name, &value, format, isRequired: false, what()) }

    /// A field that is left out where it has the value `absent`.
    package mutating func field<F: Format>(
        _ name: StaticString, _ value: inout F.Value, _ format: F, unless absent: F.Value,
        isRequired: Bool = false, _ what: @autoclosure () -> String
    ) where F.Value: Equatable {
        var present = value == absent ? nil : value
        optional(name, &present, format, isRequired: isRequired, what())
        if reads { value = present ?? absent }
    }

    /// A field that follows from others: it is written, and only has to be there when it is read.
    package mutating func derived<F: Format>(
        _ name: StaticString, _ value: F.Value, _ format: F, _ what: @autoclosure () -> String
    ) {
        var value = value
        field(name, &value, format, what())
    }
}

/// How a value looks as JSON: to write it, to read it, and to say so in a schema.
package protocol Format {
    associatedtype Value
    typealias Node = JSONDocument.Node
    typealias Keywords = [SchemaPrinter.Keyword]

    func write(_ value: Value, _ writer: inout FieldWriter)

    /// - Returns: nil if it is something else.
    func read(_ node: Node, _ reader: inout JSONReader) -> Value?

    /// - Parameter value: an example, if there is one.
    func schema(_ value: Value?, _ printer: inout SchemaPrinter) -> Keywords

    /// The schema, where it is the same for all values.
    var keywords: Keywords { get }
}

extension Format {
    package func schema(_ value: Value?, _ printer: inout SchemaPrinter) -> Keywords { keywords }
    package var keywords: Keywords { [] }
}

/// What has fields.
package protocol FieldList {
    mutating func fields(_ v: inout some FieldVisitor)
}

/// What is a JSON object.
package protocol FieldGroup: FieldList {
    /// An empty one of each kind that has other fields. Reading begins with the first, and
    /// `fields(_:)` changes it to the kind that is there.
    static var blanks: [Self] { get }
    /// What the schema calls it. Kinds of one name are alternatives.
    var definition: String { get }
    /// What it is, for the schema.
    var what: String { get }
}
