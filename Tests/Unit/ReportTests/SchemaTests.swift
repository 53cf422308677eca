import Events
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
        let kinds = try Sample.everyLine.compactMap { line in
            if case .string(let kind)? = try JSON(line).fields["event"] { kind } else { nil }
        }
        let schema = try Schema.parsed
        let known = schema.objects.flatMap { object -> [JSON] in
            let event = object["event"]?.fields ?? [:]
            if case .array(let names)? = event["enum"] { return names }
            return event["const"].map { [$0] } ?? []
        }
        #expect(known.count == 19)
        #expect(Set(kinds.map(JSON.string)) == Set(known))
    }

    // MARK: What is not

    private static func kind(of fields: [String: JSON]) -> String {
        let call = if case .string(let call)? = fields["call"] { call } else { "" }
        if case .string(let kind)? = fields["event"] {
            // Of the pool that bind() chooses from, there are some that have no peer.
            if kind == "progress" { return "summary" }
            let hasNoPeer = ["alert", "ports_back"].contains(kind) && fields["remote"] == nil
            return call == "bind" || hasNoPeer ? "bind \(kind)" : kind
        }
        if case .string(let kind)? = fields["kind"] { return kind }
        if !call.isEmpty { return "refused \(call)" }
        if fields["peak"] != nil { return fields["remote"] == nil ? "pool" : "tuple" }
        if fields["connects"] != nil, fields["binds"] != nil { return "calls" }
        if fields["causes"] != nil { return fields["pid"] != nil ? "share" : "name share" }
        if fields["reusable"] != nil, fields["held"] == nil { return "at peak" }
        if fields["sockets"] != nil, fields["pid"] != nil { return "seen process" }
        if fields["processes"] != nil {
            return fields["remote"] == nil ? "seen pool" : "seen tuple"
        }
        if fields["net_rate"] != nil || fields["rate"] != nil { return "forecast" }
        if fields["drift"] != nil { return "difference" }
        if fields["inode"] != nil { return "settings" }
        return fields["comm"] == nil
            ? "errors"
            : fields["ports"] == nil ? "process" : "holder"
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

    private static let optionalInAdvice: [String: Set<String>] = [
        "reuse_connections": ["top_process", "needed", "bytes"],
        "let_peer_close": ["top_process", "needed", "covers_percent"],
        "tcp_tw_reuse": ["top_process", "needed", "covers_percent"],
        "close_idle": ["top_process", "needed"],
        "widen_range": ["top_process", "needed", "covers_percent", "sustains_per_s"],
        "free_range": ["top_process", "needed", "covers_percent"],
        "add_addresses": ["top_process", "needed", "covers_percent"],
        "bind_address_no_port": ["top_process"],
        "socket_range": ["top_process", "needed", "covers_percent"],
        "collision": ["top_process", "needed"], "no_address": ["top_process", "needed"],
        "no_memory": ["top_process", "needed"],
    ]

    @Test func onlyWhatMayBeAbsentMay() throws {
        let objects = try Sample.everyLine.map { try JSON($0) }
        let optional = optionalFields(of: objects)
        #expect(
            optional.filter { !$0.value.isEmpty }
                == Self.optionalInAdvice.merging([
                    "open": ["local_port", "pid", "comm", "uid"], "established": ["pid", "comm"],
                    "close": ["pid", "comm", "lived_us", "error"], "release": ["pid", "comm"],
                    "failure": [
                        "local_port", "pid", "comm", "uid", "range", "reserved", "bound", "holders",
                        "search_us", "processes",
                    ],
                    "bind failure": [
                        "local_port", "pid", "comm", "uid", "range", "reserved", "bound",
                        "inferred", "processes",
                    ],
                    "refused connect": ["pid", "comm", "processes"],
                    "refused bind": ["local_port", "pid", "comm", "processes"],
                    "alert": ["forecast", "long_search_us"],
                    "tick": ["search_us", "forecast"],
                    "forecast": [
                        "exhausted_in_s", "levels_off_at", "sustainable_rate", "into_time_wait",
                    ],
                    "summary": ["partial", "others", "uncertain"],
                    "tuple": ["names", "peak_at", "first_failure_at", "others"],
                    "pool": ["names"], "name share": ["comm"],
                    "start": ["host", "machine", "cpus", "netns_inode"],
                    "errors": ["ECONNREFUSED", "errno 999", "exhausted"],
                ]) { $1 })
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

    /// But for a tick, which may take back what an earlier one has told, a difference, and the rate at
    /// which ports are given back.
    @Test func countsAreNotNegative() throws {
        let negative = try Sample.everyLine.flatMap { line in
            try JSON(line).variants { fields in
                fields.compactMap { key, value in
                    guard case .number = value,
                        (fields["event"], key) != (.string("tick"), "opened"),
                        (Self.kind(of: fields), key) != ("difference", "drift"),
                        key != "net_rate", key != "utc_offset_s"
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
        (#""call":"connect""#, [#""call":"bind""#, #""call":"listen""#]),
        (#""call":"bind""#, [#""call":"connect""#]),
        (#""errno":"EADDRNOTAVAIL""#, [#""errno":"E""#, #""errno":"EADDRINUSE""#]),
        (#""errno":"EADDRINUSE""#, [#""errno":"ENOMEM""#]),
        (#""cause":"exhausted""#, [#""cause":"full""#]),
        (#""ports":208"#, [#""ports":0"#]), (#""range":[32768,"#, [#""range":["#]),
        (#""exhausted":1"#, [#""exhausted":0"#, #""full":1"#]),
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
        #expect(described.count == 46)
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
