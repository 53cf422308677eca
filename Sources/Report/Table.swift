/// Figures in columns, and what each row is of; where that has no room it goes on to the next line,
/// and where the figures have none they become a sentence.
struct Table {
    /// The titles of the figures, and how wide their columns are, the blanks before them included.
    let columns: [(title: StaticString, width: Int)]
    let label: StaticString
    private var rows: [Row] = []

    /// Begins with `figures`, one for each column; with fewer it is about the last of these in the
    /// row before.
    private struct Row {
        var figures: [Figure?]
        var label: TextBuffer
    }

    struct Figure {
        var text = TextBuffer()
        var tone: Style.Tone?

        init(tone: Style.Tone? = nil, _ write: (inout TextBuffer) -> Void) {
            write(&text)
            self.tone = tone
        }

        init(_ number: Int) { text.append(grouped: number) }

        /// Stands out unless it is 0.
        init(alarming number: Int) {
            text.append(grouped: number)
            tone = number > 0 ? .alarm : nil
        }

        /// Rounded down: 100 says that nothing is left. If infinite, `otherwise`.
        init(share: Double, otherwise: StaticString) {
            if share.isFinite { text.append(share: share) } else { text.append(otherwise) }
        }
    }

    init(_ columns: [(title: StaticString, width: Int)], label: StaticString) {
        self.columns = columns
        self.label = label
    }

    mutating func append(_ figures: [Figure?], _ writeLabel: (inout TextBuffer) -> Void) {
        var label = TextBuffer()
        writeLabel(&label)
        rows.append(Row(figures: figures, label: label))
    }

    func write(_ layout: Layout, _ style: Style, to line: inout TextBuffer) {
        let width = columns.reduce(0) { $0 + $1.width }
        let widest =
            rows.lazy.filter { $0.figures.count == columns.count }
            .map { $0.label.columns(since: 0) }.max() ?? 0
        let available = layout.columns ?? .max
        if width <= available {
            tabulate(labelBelow: width + 2 + widest > available, layout, style, &line)
        } else {
            tell(layout, style, &line)
        }
    }

    private static let indent = 10

    private func tabulate(
        labelBelow: Bool, _ layout: Layout, _ style: Style, _ line: inout TextBuffer
    ) {
        func separate(_ line: inout TextBuffer) {
            if labelBelow { line.append("\n") }
            line.append(spaces: labelBelow ? Self.indent : 2)
        }
        style.begin(.heading, &line)
        for (title, width) in columns { line.right(width) { $0.append(title) } }
        separate(&line)
        line.append(label)
        style.end(&line)
        line.append("\n")
        layout.fold(&line, indent: Self.indent + 2) {
            for row in rows {
                for (column, figure) in zip(columns, row.figures) {
                    guard let figure else {
                        $0.append(spaces: column.width)
                        continue
                    }
                    if let tone = figure.tone { style.begin(tone, &$0) }
                    $0.right(column.width) { $0.append(figure.text) }
                    if figure.tone != nil { style.end(&$0) }
                }
                if row.figures.count == columns.count { separate(&$0) } else { $0.append("  ") }
                $0.append(row.label)
                $0.append("\n")
            }
        }
    }

    /// `share 99.9 %, peak 28,231, …`
    private func tell(_ layout: Layout, _ style: Style, _ line: inout TextBuffer) {
        layout.fold(&line, indent: 4) {
            style.begin(.heading, &$0)
            $0.append("  ")
            $0.append(label)
            style.end(&$0)
            $0.append("\n")
            for row in rows {
                let isWhole = row.figures.count == columns.count
                if isWhole {
                    $0.append("  ")
                    $0.append(row.label)
                    $0.append("\n")
                }
                var separator: StaticString = "    "
                for (column, figure) in zip(columns, row.figures) {
                    guard let figure else { continue }
                    $0.append(separator)
                    separator = ", "
                    if isWhole {
                        $0.append(column.title)
                        $0.append(" ")
                    }
                    if let tone = figure.tone { style.begin(tone, &$0) }
                    $0.append(figure.text)
                    if figure.tone != nil { style.end(&$0) }
                }
                if !isWhole {
                    $0.append("  ")
                    $0.append(row.label)
                }
                $0.append("\n")
            }
        }
    }
}
