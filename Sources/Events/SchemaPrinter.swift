/// Describes fields instead of values: JSON Schema, as `schema/` has it.
package struct SchemaPrinter: FieldVisitor {
    package typealias Keyword = (String, JSONValue)

    /// Schemas that others refer to, by name; of an object that is still gone over: null.
    private var definitions: [Keyword] = []
    /// Those of another file, and how they are referred to.
    private var foreign: Set<String> = []
    private var foreignFile = ""

    private var properties: [Keyword] = []
    private var required: [JSONValue] = []

    private static let draft = "https://json-schema.org/draft/2020-12/schema"

    /// `schema/event.schema.json`
    package static var events: String {
        let printer = eventPrinter
        let kinds = printer.kinds.map { JSONValue.object([("$ref", .string("#/$defs/\($0)"))]) }
        return printer.file(
            title: "portgauge event", "One line of `portgauge --output json`.",
            [("oneOf", .array(kinds))])
    }

    private var kinds: [String] = []

    private static var eventPrinter: SchemaPrinter {
        var printer = SchemaPrinter()
        for blank in TimedEvent.blanks where !printer.kinds.contains(blank.definition) {
            printer.kinds.append(blank.definition)
            _ = printer.reference(to: blank)
        }
        return printer
    }

    /// The schema of an object that refers to those of events.
    package static func schema(of value: some FieldGroup, title: String) -> String {
        var printer = SchemaPrinter()
        printer.foreign = Set(eventPrinter.definitions.map(\.0))
        printer.foreignFile = "event.schema.json"
        let object = printer.object(value).dropFirst()
        return printer.file(title: title, value.what, Array(object))
    }

    private func file(title: String, _ what: String, _ keywords: [Keyword]) -> String {
        JSONValue.object(
            [
                ("$schema", .string(Self.draft)), ("title", .string(title)),
                ("description", .string(what)),
            ] + keywords + [("$defs", .object(definitions))]
        ).indented
    }

    // MARK: Fields

    package mutating func field<F: Format>(
        _ name: StaticString, _ value: inout F.Value, _ format: F, _ what: @autoclosure () -> String
    ) { add("\(name)", format.schema(value, &self), isRequired: true, what()) }

    package mutating func optional<F: Format>(
        _ name: StaticString, _ value: inout F.Value?, _ format: F, isRequired: Bool,
        _ what: @autoclosure () -> String
    ) { add("\(name)", format.schema(value, &self), isRequired: isRequired, what()) }

    private mutating func add(
        _ name: String, _ keywords: [Keyword], isRequired: Bool, _ what: String
    ) {
        properties.append((name, .object([("description", .string(what))] + keywords)))
        if isRequired { required.append(.string(name)) }
    }

    // MARK: Objects

    /// Refers to the schema of objects like `value`.
    mutating func reference<T: FieldGroup>(to value: T) -> [Keyword] {
        shared(value.definition) { printer in
            let kinds = T.blanks.filter { $0.definition == value.definition }
                .map { printer.object($0) }
            return kinds.count == 1
                ? kinds[0] : [("oneOf", .array(kinds.map { .object($0) }))]
        }
    }

    private mutating func object(_ value: some FieldGroup) -> [Keyword] {
        let outer = (properties, required)
        (properties, required) = ([], [])
        defer { (properties, required) = outer }
        var value = value
        value.fields(&self)
        return [
            ("description", .string(value.what)), ("type", .string("object")),
            ("properties", .object(properties)), ("required", .array(required)),
            ("additionalProperties", .bool(false)),
        ]
    }

    // MARK: Values

    /// Refers to a schema of that name, which is made the first time.
    private mutating func shared(
        _ name: String, _ make: (inout SchemaPrinter) -> [Keyword]
    ) -> [Keyword] {
        if foreign.contains(name) {
            return [("$ref", .string("\(foreignFile)#/$defs/\(name)"))]
        }
        if !definitions.contains(where: { $0.0 == name }) {
            let place = definitions.count
            definitions.append((name, .null))
            definitions[place].1 = .object(make(&self))
        }
        return [("$ref", .string("#/$defs/\(name)"))]
    }

    mutating func text(_ name: String, _ what: String, _ limit: Keyword) -> [Keyword] {
        let keywords = [("description", .string(what)), ("type", .string("string")), limit]
        return shared(name) { _ in keywords }
    }

    mutating func pattern(_ name: String, _ what: String, _ pattern: String) -> [Keyword] {
        text(name, what, ("pattern", .string(pattern)))
    }

    static func number(_ type: String, _ least: Int?, _ most: Int?) -> [Keyword] {
        [("type", .string(type))] + bounds("minimum", least, "maximum", most)
    }

    static func bounds(_ lower: String, _ least: Int?, _ upper: String, _ most: Int?) -> [Keyword] {
        [(lower, least), (upper, most)].compactMap { name, bound in bound.map { (name, .int($0)) } }
    }

    static func names(_ names: [String]) -> [Keyword] {
        names.count == 1
            ? [("const", .string(names[0]))] : [("enum", .array(names.map { .string($0) }))]
    }

    /// An object of counts whose names are like `pattern`.
    static func counts(of pattern: String, _ what: String) -> [Keyword] {
        let count = [("description", .string(what))] + number("integer", 1, nil)
        return [
            ("type", .string("object")),
            ("patternProperties", .object([(pattern, .object(count))])),
            ("additionalProperties", .bool(false)),
        ]
    }
}
