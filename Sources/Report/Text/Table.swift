import Events

/// Figures in columns, and the subject of each row; where that has no room it goes on to the next
/// line, and where the figures have none they become a sentence.
struct Table {
    /// The titles of the figures, and how wide their columns are, the blanks before them included.
    let columns: [(title: StaticString, width: Int)]
    let label: StaticString
    /// Of each row one figure for each column, and its subject; with fewer figures, it explains the
    /// last of these in the row before.
    var rows: [(figures: [Figure?], label: TextBuffer)] = []

    struct Figure {
        let text: TextBuffer
        var tone: Style.Tone?

        /// - Parameter alarms: it stands out unless it is 0.
        init(_ number: Int, alarms: Bool = false) {
            text = "\(grouped: number)"
            tone = alarms && number > 0 ? .alarm : nil
        }

        /// A share rounded down, so that 100 says that nothing is left; `otherwise` if it is infinite.
        init(share: Double, otherwise: TextBuffer = "-") {
            text = share.isFinite ? "\(share: share)" : otherwise
        }
    }

    func text(_ layout: Layout, _ style: Style) -> TextBuffer {
        let width = columns.reduce(0) { $0 + $1.width }
        let available = layout.columns ?? .max
        guard width <= available else { return layout.folded(sentences(style), indent: 4) }
        let widest =
            rows.lazy.filter { $0.figures.count == columns.count }.map(\.label.columns).max() ?? 0
        return tabulated(labelBelow: width + 2 + widest > available, layout, style)
    }

    private static let indent = 10

    private func tabulated(
        labelBelow: Bool, _ layout: Layout, _ style: Style
    ) -> TextBuffer {
        let gap: TextBuffer = labelBelow ? "\n\(spaces: Self.indent)" : "  "
        var heading = TextBuffer()
        for (title, width) in columns { heading += "\(right: width, "\(title)")" }
        heading = style(.heading, "\(heading)\(gap)\(label)")
        var lines = TextBuffer()
        for row in rows {
            for (column, figure) in zip(columns, row.figures) {
                let text = figure?.text ?? ""
                lines += style(figure?.tone, "\(right: column.width, text)")
            }
            let isWhole = row.figures.count == columns.count
            lines += "\(if: isWhole, gap, else: "  ")\(row.label)\n"
        }
        return "\(heading)\n\(layout.folded(lines, indent: Self.indent + 2))"
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
