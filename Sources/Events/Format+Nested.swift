/// An object within another.
package struct Object<Value: FieldGroup>: Format {
    package func write(_ value: Value, _ writer: inout FieldWriter) {
        var value = value
        writer.object { value.fields(&$0) }
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Value? {
        reader.object(node, as: Value.self)
    }

    package func schema(_ value: Value?, _ printer: inout SchemaPrinter) -> Keywords {
        printer.reference(to: value ?? Value.blanks[0])
    }
}

extension Format {
    package static func object<T>() -> Self where Self == Object<T> { Object() }
}

package struct List<Item: Format>: Format {
    var item: Item
    /// What an item is; nil if its own schema says so.
    var of: String?
    /// How many items there are, for the schema.
    var least: Int?
    var most: Int?

    package func write(_ value: [Item.Value], _ writer: inout FieldWriter) {
        writer.line.append("[")
        for (index, value) in value.enumerated() {
            if index > 0 { writer.line.append(",") }
            item.write(value, &writer)
        }
        writer.line.append("]")
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> [Item.Value]? {
        guard reader.document.kind(of: node) == .array else { return nil }
        var values: [Item.Value] = []
        for node in reader.document.items(of: node) {
            guard let value = item.read(node, &reader) else { return nil }
            values.append(value)
        }
        return values
    }

    package func schema(_ value: [Item.Value]?, _ printer: inout SchemaPrinter) -> Keywords {
        let items: [SchemaPrinter.Keyword] = of.map { [("description", .string($0))] } ?? []
        return [("type", .string("array")), ("items", .object(items + item.schema(nil, &printer)))]
            + SchemaPrinter.bounds("minItems", least, "maxItems", most)
    }
}

extension Format {
    /// Items, each of which is `of`; from `least` to `most` of them, for the schema.
    package static func list<Item>(
        _ item: Item, of: String, least: Int? = nil, most: Int? = nil
    ) -> Self where Self == List<Item> { List(item: item, of: of, least: least, most: most) }

    package static func objects<T>(least: Int? = nil, most: Int? = nil) -> Self
    where Self == List<Object<T>> { List(item: Object(), least: least, most: most) }
}
