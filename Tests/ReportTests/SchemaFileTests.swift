import Events
import Foundation
import Testing

@testable import Report

/// The schemas in `schema/` are printed from the fields; `make schema` writes them.
@Suite struct SchemaFileTests {
    @Test(arguments: [
        ("event.schema.json", SchemaPrinter.events), ("report.schema.json", SchemaPrinter.report),
    ]) func fileIsAsThe(name: String, fields: String) throws {
        let file = Schema.folder.appending(path: name)
        let isSame = try String(contentsOf: file, encoding: .utf8) == fields
        #expect(isSame, "\(name) differs from what the fields say: run `make schema`")
    }
}
