/// Colours for a terminal, or none at all.
struct Style: Sendable {
    enum Tone { case plain, faint, warning, alarm, heading, selected }

    let enabled: Bool

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

    func end(_ line: inout TextBuffer) {
        if enabled { line.append("\u{1b}[m") }
    }
}
