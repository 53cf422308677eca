import PortModel

/// Writes events as JSON, one object a line. `schema/event.schema.json` describes them.
package struct JSONWriter: Sendable {
    package init() {}

    /// Appends `event`, which happened at `time` (CLOCK_MONOTONIC nanoseconds), with a newline.
    package func write(
        _ event: Event, at time: UInt64, in context: RenderContext, to line: inout TextBuffer
    ) {
        var event = TimedEvent(event, at: time)
        FieldWriter.write(&line, context) { event.fields(&$0) }
    }

    /// Appends an object, with a newline.
    package func write(
        _ value: some FieldGroup, in context: RenderContext = .blank, to line: inout TextBuffer
    ) {
        var value = value
        FieldWriter.write(&line, context) { value.fields(&$0) }
    }
}

/// Writes fields, each with the comma before it.
package struct FieldWriter: FieldVisitor {
    var line: TextBuffer
    private(set) var context: RenderContext
    private var isFirst = true

    private init(_ context: RenderContext) {
        line = TextBuffer(capacity: 0)
        self.context = context
    }

    package mutating func use(_ context: RenderContext) { self.context = context }

    /// Appends an object with the fields that `fields` names, and a newline.
    static func write(
        _ line: inout TextBuffer, _ context: RenderContext, _ fields: (inout FieldWriter) -> Void
    ) {
        var writer = FieldWriter(context)
        swap(&writer.line, &line)
        writer.object(fields)
        writer.line.append(byte: UInt8(ascii: "\n"))
        swap(&writer.line, &line)
    }

    package mutating func field<F: Format>(
        _ name: StaticString, _ value: inout F.Value, _ format: F, _ what: @autoclosure () -> String
    ) {
        begin(name)
        format.write(value, &self)
    }

    package mutating func optional<F: Format>(
        _ name: StaticString, _ value: inout F.Value?, _ format: F, isRequired: Bool,
        _ what: @autoclosure () -> String
    ) {
        guard let value else { return }
        begin(name)
        format.write(value, &self)
    }

    private mutating func begin(_ name: StaticString) {
        // Byte by byte, which is faster than appending so little at once.
        if !isFirst { line.append(byte: UInt8(ascii: ",")) }
        isFirst = false
        quote(name)
        line.append(byte: UInt8(ascii: ":"))
    }

    mutating func object(_ fields: (inout FieldWriter) -> Void) {
        line.append(byte: UInt8(ascii: "{"))
        isFirst = true
        fields(&self)
        isFirst = false
        line.append(byte: UInt8(ascii: "}"))
    }

    /// An object of counts.
    mutating func object<Key: Format>(of counts: [(key: Key.Value, value: Int)], _ key: Key) {
        line.append(byte: UInt8(ascii: "{"))
        for (index, count) in counts.enumerated() {
            if index > 0 { line.append(byte: UInt8(ascii: ",")) }
            key.write(count.key, &self)
            line.append(byte: UInt8(ascii: ":"))
            line.append(count.value)
        }
        line.append(byte: UInt8(ascii: "}"))
    }

    /// A text without anything to escape.
    mutating func quote(_ text: StaticString) {
        line.append(byte: UInt8(ascii: "\""))
        line.append(text)
        line.append(byte: UInt8(ascii: "\""))
    }
}
