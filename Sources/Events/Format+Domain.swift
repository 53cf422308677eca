import PortModel

/// Nanoseconds of CLOCK_MONOTONIC, or since 1970 when they have been read.
package struct Time: Format {
    package static let look = "RFC 3339, in UTC, always with six decimals."

    package func write(_ value: UInt64, _ writer: inout FieldWriter) {
        writer.line.append("\"")
        writer.context.timestamps.appendUTC(value, to: &writer.line)
        writer.line.append("\"")
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> UInt64? {
        reader.bytes(node).flatMap(Timestamps.read)
    }

    package func schema(_ value: UInt64?, _ printer: inout SchemaPrinter) -> Keywords {
        printer.pattern(
            "time", "When it happened: " + Self.look,
            "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
                + #"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$"#)
    }
}

extension Format where Self == Time { package static var time: Self { Time() } }

/// The identity of a network namespace, by its name.
package struct NamespaceName: Format {
    package func write(_ value: UInt32, _ writer: inout FieldWriter) {
        let name = writer.context.namespaceNames[value]
        if let name { return writer.line.append(quoted: name) }
        writer.line.append("\"")
        writer.line.append(Int(value))
        writer.line.append("\"")
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> UInt32? {
        reader.namespace(node)
    }

    package func schema(_ value: UInt32?, _ printer: inout SchemaPrinter) -> Keywords {
        printer.text(
            "netns",
            "Network namespace: `host`, its name for `ip netns`, a container's first twelve digits, "
                + "its first process as `comm[pid]`, or its inode number.", ("minLength", .int(1)))
    }
}

extension Format where Self == NamespaceName {
    package static var namespace: Self { NamespaceName() }
}

/// A network device, by its name.
package struct DeviceName: Format {
    package func write(_ value: NetworkDevice, _ writer: inout FieldWriter) {
        writer.line.append(quoted: writer.context.name(of: value))
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> NetworkDevice? {
        reader.string(node).flatMap { reader.device($0) }
    }

    package var keywords: Keywords { [("type", .string("string")), ("minLength", .int(1))] }
}

extension Format where Self == DeviceName { static var device: Self { DeviceName() } }

package struct Address: Format {
    static let look =
        "IPv4 dotted, IPv6 as RFC 5952 has it. IPv4 over a v6 socket is written as IPv4."

    package func write(_ value: IPAddress, _ writer: inout FieldWriter) {
        writer.line.append("\"")
        writer.line.append(value)
        writer.line.append("\"")
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> IPAddress? {
        reader.bytes(node).flatMap { IPAddress(text: $0) }
    }

    package func schema(_ value: IPAddress?, _ printer: inout SchemaPrinter) -> Keywords {
        printer.pattern("address", Self.look, #"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-f:]{2,39})$"#)
    }
}

/// An errno by its name.
struct Errno: Format {
    static let pattern = "^(E[A-Z0-9]+|errno [0-9]+)$"

    func write(_ value: UInt16, _ writer: inout FieldWriter) {
        writer.line.append(quoted: writer.context.errnoName(Int32(value)))
    }

    func read(_ node: Node, _ reader: inout JSONReader) -> UInt16? {
        reader.string(node).flatMap { reader.errno($0) }
    }

    func schema(_ value: UInt16?, _ printer: inout SchemaPrinter) -> Keywords {
        printer.pattern(
            "errno", "An errno by its name, or `errno` and its number where it has none.",
            Self.pattern)
    }
}

/// The lowest and the highest port.
struct Ends: Format {
    func write(_ value: PortRange, _ writer: inout FieldWriter) {
        writer.line += "[\(Int(value.low)),\(Int(value.high))]"
    }

    func read(_ node: Node, _ reader: inout JSONReader) -> PortRange? {
        let ends = List(item: .port(0)).read(node, &reader) ?? []
        return ends.count == 2 ? PortRange(low: ends[0], high: ends[1]) : nil
    }

    func schema(_ value: PortRange?, _ printer: inout SchemaPrinter) -> Keywords {
        List(item: .port(0), of: "A port.", least: 2, most: 2).schema(nil, &printer)
    }
}

extension Format where Self == Integer<UInt16> {
    static func port(_ least: Int = 1) -> Self { Integer(least: least, most: 65_535) }
}

/// A process's name, which may be any bytes; those that are no UTF-8 become U+FFFD.
struct ProcessName: Format {
    var least: Int

    func write(_ value: ProcessID.Name, _ writer: inout FieldWriter) {
        writer.line.append(quoted: value)
    }

    func read(_ node: Node, _ reader: inout JSONReader) -> ProcessID.Name? {
        reader.string(node).map { ProcessID.Name($0) }
    }

    var keywords: Keywords { Text(least: least).keywords + [("maxLength", .int(15))] }
}

/// What a call failed for: `-` while that is not known, which cannot be read.
package struct CauseName: Format {
    var causes: [Cause]

    package func write(_ value: Cause?, _ writer: inout FieldWriter) {
        writer.line.append(quoted: value?.rawValue ?? "-")
    }

    package func read(_ node: Node, _ reader: inout JSONReader) -> Cause?? {
        reader.string(node).flatMap { Cause(rawValue: $0) }.map { .some($0) }
    }

    package var keywords: Keywords { SchemaPrinter.names(causes.map(\.rawValue)) }
}

extension Format where Self == CauseName {
    package static var cause: Self { CauseName(causes: Cause.allCases) }
    static var bindCause: Self {
        CauseName(causes: [.exhausted, .collision, .noAddress, .noMemory])
    }
}

/// How many of what, by its name.
struct Counts<Key: Format>: Format where Key.Value: Hashable {
    var key: Key
    var isBefore: (Key.Value, Key.Value) -> Bool
    /// For the schema.
    var counts: () -> Keywords

    func write(_ value: [Key.Value: Int], _ writer: inout FieldWriter) {
        writer.object(of: value.sorted { isBefore($0.key, $1.key) }, key)
    }

    func read(_ node: Node, _ reader: inout JSONReader) -> [Key.Value: Int]? {
        reader.counts(node, key)
    }

    var keywords: Keywords { counts() }
}

extension Format where Self == Counts<Name<HoldingState>> {
    static var states: Self {
        Counts(
            key: Name(names: []), isBefore: { $0.rawValue < $1.rawValue },
            counts: {
                let names = HoldingState.allCases.map(\.rawValue)
                return SchemaPrinter.counts(
                    of: "^(\(names.joined(separator: "|")))$", "Ports held in that state.")
            })
    }
}

extension Format where Self == Counts<Name<Cause>> {
    static var causes: Self {
        Counts(
            key: Name(names: []), isBefore: { $0.rawValue < $1.rawValue },
            counts: {
                let names = Cause.allCases.filter { $0 != .noAddress && $0 != .beganBefore }.map(
                    \.rawValue)
                return SchemaPrinter.counts(
                    of: "^(\(names.joined(separator: "|")))$", "How many of that cause.")
            })
    }
}

extension Format where Self == Counts<Errno> {
    static var errors: Self {
        Counts(key: Errno(), isBefore: <) {
            SchemaPrinter.counts(of: Errno.pattern, "How many of that errno.")
        }
    }
}
