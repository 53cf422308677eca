import Events

/// Colours for a terminal, or none at all.
struct Style: Sendable {
    enum Tone { case plain, faint, warning, alarm, heading, selected }

    let enabled: Bool

    /// `text` in `tone`; nil: as it is.
    func callAsFunction(_ tone: Tone?, _ text: TextBuffer) -> TextBuffer {
        guard enabled, let tone else { return text }
        var styled = TextBuffer()
        begin(tone, &styled)
        styled.append(text)
        end(&styled)
        return styled
    }

    func begin(_ tone: Tone, _ line: inout TextBuffer) {
        guard enabled else { return }
        switch tone {
        case .plain: line.append("\u{1b}[m")
        case .faint: line.append("\u{1b}[2m")
        case .warning: line.append("\u{1b}[33m")
        case .alarm: line.append("\u{1b}[1;31m")
        case .heading: line.append("\u{1b}[1m")
        case .selected: line.append("\u{1b}[7m")
        }
    }

    func end(_ line: inout TextBuffer) { if enabled { line.append("\u{1b}[m") } }
}
