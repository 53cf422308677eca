import Events

/// Figures in columns, and the subject of each row; where that has no room it goes on to the next
/// line, and where the figures have none they become a sentence.
struct Table {
    /// The titles of the figures, and how wide their columns are, the blanks before them included.
    let columns: [(title: StaticString, width: Int)]
    let label: StaticString
    private var rows: [Row] = []

    /// One figure for each column; with fewer, it explains the last of these in the row before.
    private struct Row {
        var figures: [Figure?]
        var label: TextBuffer
    }

    struct Figure {
        let text: TextBuffer
        var tone: Style.Tone?

        init(_ number: Int) { text = "\(grouped: number)" }

        /// Stands out unless it is 0.
        init(alarming number: Int) {
            text = "\(grouped: number)"
            tone = number > 0 ? .alarm : nil
        }

        /// A share rounded down, so that 100 says that nothing is left; `otherwise` if it is infinite.
        init(share: Double, otherwise: TextBuffer = "-") {
            text = share.isFinite ? "\(share: share)" : otherwise
        }
    }

    init(_ columns: [(title: StaticString, width: Int)], label: StaticString) {
        (self.columns, self.label) = (columns, label)
    }

    mutating func append(_ figures: [Figure?], _ label: TextBuffer) {
        rows.append(Row(figures: figures, label: label))
    }

    func write(_ layout: Layout, _ style: Style, to line: inout TextBuffer) {
        let width = columns.reduce(0) { $0 + $1.width }
        let widest =
            rows.lazy.filter { $0.figures.count == columns.count }.map(\.label.columns).max() ?? 0
        let available = layout.columns ?? .max
        if width <= available {
            tabulate(labelBelow: width + 2 + widest > available, layout, style, &line)
        } else {
            line += layout.folded(sentences(style), indent: 4)
        }
    }

    private static let indent = 10

    private func tabulate(
        labelBelow: Bool, _ layout: Layout, _ style: Style, _ line: inout TextBuffer
    ) {
        let gap: TextBuffer = labelBelow ? "\n\(spaces: Self.indent)" : "  "
        var heading = TextBuffer()
        for (title, width) in columns { heading += "\(right: width, "\(title)")" }
        line += "\(style(.heading, "\(heading)\(gap)\(label)"))\n"
        var lines = TextBuffer()
        for row in rows {
            for (column, figure) in zip(columns, row.figures) {
                let text = figure?.text ?? ""
                lines += style(figure?.tone, "\(right: column.width, text)")
            }
            let isWhole = row.figures.count == columns.count
            lines += "\(if: isWhole, gap, else: "  ")\(row.label)\n"
        }
        line += layout.folded(lines, indent: Self.indent + 2)
    }

    /// `share 99.9 %, peak 28,231, …`
    private func sentences(_ style: Style) -> TextBuffer {
        var text: TextBuffer = "\(style(.heading, "  \(label)"))\n"
        for row in rows {
            let isWhole = row.figures.count == columns.count
            let figures = zip(columns, row.figures).compactMap { column, figure in
                figure.map { figure -> TextBuffer in
                    "\(if: isWhole, "\(column.title) ")\(style(figure.tone, figure.text))"
                }
            }
            if isWhole { text += "  \(row.label)\n" }
            text += "    \(joined: figures)\(if: !isWhole, "  \(row.label)")\n"
        }
        return text
    }
}
