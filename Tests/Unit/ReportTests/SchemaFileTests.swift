import Events
import Foundation
import Testing

@testable import Report

/// The schemas in `schema/` are printed from the fields; `make schema` writes them.
@Suite struct SchemaFileTests {
    @Test func ofEvents() throws { try expect(SchemaPrinter.events, in: "event.schema.json") }

    @Test func ofReports() throws { try expect(SchemaPrinter.report, in: "report.schema.json") }

    private func expect(_ schema: String, in name: String) throws {
        let file = Schema.folder.appending(path: name)
        let isSame = try String(contentsOf: file, encoding: .utf8) == schema
        #expect(isSame, "\(name) is not what the fields say: run `make schema`")
    }
}
