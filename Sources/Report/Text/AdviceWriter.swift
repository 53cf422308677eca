import Events
import PortModel

/// Writes what is advised as text: for each tuple or bind pool what it lacked, and then, numbered,
/// what to do, the figure first and the exact setting or call below.
struct AdviceWriter {
    let style: Style
    let layout: Layout

    private static let indent = 5

    /// Appends `all`, in their order; nothing if there is none.
    func write(_ all: [Advice], in context: RenderContext, to line: inout TextBuffer) {
        guard !all.isEmpty else { return }
        let heading = style(.heading, "  advice  what would have helped, most useful first")
        line += "\n\(layout.folded("\(heading)\n", indent: 10))"
        for (index, advice) in all.enumerated() {
            if index == 0 || all[index - 1].scope != advice.scope {
                let scope = TextBuffer("  \(scopeOf: advice, context)\n")
                line += layout.folded(scope, indent: Self.indent)
                line += paragraph("\(spaces: Self.indent)\(advice.situation)")
            }
            line += paragraph("\(if: index < 9, " ") \(index + 1). \(advice.text(context))")
            // A command stays whole, to be copied.
            if let setting = advice.setting { line += "       \(setting)\n" }
        }
    }

    private func paragraph(_ text: TextBuffer) -> TextBuffer {
        var paragraph: TextBuffer = "\(text)\n"
        paragraph.fold(since: 0, width: layout.prose, indent: Self.indent)
        return paragraph
    }
}
