import Testing

/// The schema accepts what is written, and nothing else.
@Suite struct SchemaTests {
    private func expectAccepted(_ lines: [String]) throws {
        #expect(!lines.isEmpty)
        for (line, complaints) in zip(lines, try Schema.complaints(about: lines)) {
            #expect(complaints == [], "\(line)")
        }
    }

    private func expectRefused(_ lines: [String]) throws {
        #expect(!lines.isEmpty)
        for (line, complaints) in zip(lines, try Schema.complaints(about: lines)) {
            #expect(!complaints.isEmpty, "\(line)")
        }
    }

    // MARK: What is written

    @Test func everyEventIsAccepted() throws { try expectAccepted(Sample.everyLine) }

    @Test func everyKindIsThere() throws {
        let kinds = try Sample.everyLine.map { Self.kind(of: try JSON($0).fields) }
        let schema = try Schema.parsed
        let known = schema.objects.compactMap { object in
            if case .string(let name)? = object["event"]?.fields["const"] { name } else { nil }
        }
        #expect(known.count == 12)
        #expect(Set(kinds) == Set(known))
    }

    // MARK: What is not

    private static func kind(of fields: [String: JSON]) -> String {
        if case .string(let kind)? = fields["event"] { return kind }
        if fields["peak"] != nil { return "tuple" }
        if fields["drift"] != nil { return "difference" }
        if fields["inode"] != nil { return "settings" }
        return fields["comm"] != nil ? "process" : "errors"
    }

    /// By kind of object: fields that some of them have and others lack.
    private func optionalFields(of objects: [JSON]) -> [String: Set<String>] {
        var all: [String: Set<String>] = [:]
        var always: [String: Set<String>] = [:]
        for fields in objects.flatMap(\.objects) {
            let kind = Self.kind(of: fields)
            all[kind, default: []].formUnion(fields.keys)
            always[kind] = always[kind]?.intersection(fields.keys) ?? Set(fields.keys)
        }
        return all.merging(always) { $0.subtracting($1) }
    }

    @Test func onlyWhatMayBeAbsentMay() throws {
        let objects = try Sample.everyLine.map { try JSON($0) }
        let optional = optionalFields(of: objects)
        #expect(
            optional.filter { !$0.value.isEmpty } == [
                "open": ["local_port", "pid", "comm"], "established": ["pid", "comm"],
                "close": ["pid", "comm", "lived_us", "error"], "release": ["pid", "comm"],
                "failure": ["local_port", "pid", "comm"],
                "tuple": ["peak_at", "first_failure_at", "top_process"],
                "errors": ["ECONNREFUSED", "errno 999"],
            ])
        func lines(without isChosen: (String, String) -> Bool) throws -> [String] {
            try objects.flatMap { object in
                object.variants { fields in
                    fields.keys.filter { isChosen(Self.kind(of: fields), $0) }
                        .map { key in fields.filter { $0.key != key } }
                }
            }.map { try $0.line() }
        }
        try expectAccepted(try lines { optional[$0]?.contains($1) == true })
        try expectRefused(try lines { optional[$0]?.contains($1) != true })
    }

    @Test func nothingElseMayBeThere() throws {
        let extended = try Sample.everyLine.flatMap { line in
            try JSON(line).variants { [$0.merging(["colour": .number(1)]) { $1 }] }
        }
        try expectRefused(try extended.map { try $0.line() })
    }

    @Test func typesMatter() throws {
        let spoilt = try Sample.everyLine.flatMap { line in
            try JSON(line).variants { fields in
                fields.map { key, value in
                    if case .string = value { return fields.merging([key: .number(1)]) { $1 } }
                    return fields.merging([key: .string("1")]) { $1 }
                }
            }
        }
        try expectRefused(try spoilt.map { try $0.line() })
    }

    /// But for a tick, which may take back what an earlier one has told, and a difference.
    @Test func countsAreNotNegative() throws {
        let negative = try Sample.everyLine.flatMap { line in
            try JSON(line).variants { fields in
                fields.compactMap { key, value in
                    guard case .number = value,
                        (fields["event"], key) != (.string("tick"), "opened"),
                        (Self.kind(of: fields), key) != ("difference", "drift")
                    else { return nil }
                    return fields.merging([key: .number(-1)]) { $1 }
                }
            }
        }
        try expectRefused(try negative.map { try $0.line() })
    }

    /// What is written, and what must not be written instead.
    static let spoilt = [
        (#""event":"open""#, [#""event":"opened""#, #""event":"close""#]),
        (
            #""2026-11-22T17:16:05.123456Z""#,
            [
                #""2026-11-22T17:16:05.123Z""#, #""2026-11-22T17:16:05.123456""#,
                #""2026-11-22T17:16:05.1234567Z""#, #""2026-11-22T17:16:05.123456+00:00""#,
                #""2026-11-22 17:16:05.123456Z""#, #""2026-13-22T17:16:05.123456Z""#,
                #""2026-11-22T24:16:05.123456Z""#, #""""#,
            ]
        ),
        (#""10.0.0.1""#, [#""""#, #""10.0.0""#, #""10.0.0.1:80""#, #""::FFFF""#, #""host""#]),
        (#""remote_port":80"#, [#""remote_port":65536"#]),
        (
            #""local_port":5000"#,
            [#""local_port":0"#, #""local_port":65536"#, #""local_port":1.5"#]
        ),
        (#""pid":4123"#, [#""pid":0"#, #""pid":4294967296"#]),
        (#""comm":"wrk""#, [#""comm":"""#, #""comm":"sixteen-letters!""#]),
        (#""netns":"4026531840""#, [#""netns":"""#]),
        (#""error":"ECONNREFUSED""#, [#""error":"refused""#]),
        (#""ECONNREFUSED":3"#, [#""ECONNREFUSED":0"#, #""refused":3"#]),
        (#""call":"connect""#, [#""call":"bind""#]),
        (#""errno":"EADDRNOTAVAIL""#, [#""errno":"E""#]),
        (#""search_us":12345"#, [#""search_us":0.5"#]), (#""count":1}"#, [#""count":0}"#]),
        (#""level":50"#, [#""level":101"#]), (#""version":"1.2.3""#, [#""version":"""#]),
        (#""kernel":"6.18.44""#, [#""kernel":"""#]),
        (#""hooks":["one""#, [#""hooks":["""#, #""hooks":[1"#]),
    ]

    @Test func rangesMatter() throws {
        let lines = try Self.spoilt.flatMap { written, spoilt in
            let line = try #require(Sample.everyLine.first { $0.contains(written) })
            return spoilt.map { line.replacing(written, with: $0) }
        }
        try expectRefused(lines)
    }

    @Test func onlyObjectsAreEvents() throws {
        try expectRefused(["1", "true", "null", #""open""#, "[]", "{}"])
    }

    // MARK: The schema itself

    @Test func everyPropertyIsDescribedAndNoneIsAdded() throws {
        let schema = try Schema.parsed
        let described = schema.objects.filter { $0["properties"] != nil }
        #expect(described.count == 16)
        for object in described {
            #expect(object["additionalProperties"] == .bool(false))
            for (name, property) in object["properties"]?.fields ?? [:] {
                #expect(description(of: property, in: schema) != nil, "\(name)")
            }
        }
    }

    private func description(of property: JSON, in schema: JSON) -> JSON? {
        if let own = property.fields["description"] { return own }
        guard case .string(let reference)? = property.fields["$ref"] else { return nil }
        let name = reference.split(separator: "/").last.map(String.init) ?? ""
        return schema.fields["$defs"]?.fields[name]?.fields["description"]
    }
}
