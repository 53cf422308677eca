import PortModel

/// Writes what is advised as text: for each tuple or bind pool what it lacked, and then, numbered,
/// what to do, the figure first and the exact setting or call below.
struct AdviceWriter {
    let style: Style

    private static let width = 80
    private static let indent = 5

    /// Appends `all`, in their order; nothing if there is none.
    func write(_ all: [Advice], in surroundings: Surroundings, to line: inout Line) {
        guard !all.isEmpty else { return }
        line.append("\n")
        style.begin(.heading, &line)
        line.append("  advice  what would have helped, most useful first")
        style.end(&line)
        line.append("\n")
        for (index, advice) in all.enumerated() {
            if index == 0 || all[index - 1].subject != advice.subject {
                subject(advice, surroundings, &line)
            }
            line.append(index < 9 ? "  " : " ")
            line.append(index + 1)
            line.append(". ")
            paragraph(&line) { text(advice, surroundings, &$0) }
            guard let setting = advice.setting else { continue }
            line.append("       ")
            line.append(setting)
            line.append("\n")
        }
    }

    private func subject(_ advice: Advice, _ surroundings: Surroundings, _ line: inout Line) {
        line.append("  ")
        switch advice.subject {
        case .tuple(let tuple):
            line.append(tuple)
        case .bindPool(_, let local):
            line.append("bind() to ")
            line.append(local)
            line.append(", port 0")
        }
        line.append(namespace: advice.netns, surroundings)
        if advice.process != .unknown {
            line.append("  ")
            line.append(advice.process)
        }
        line.append("\n")
        for _ in 0..<Self.indent { line.append(" ") }
        paragraph(&line) { situation(advice, &$0) }
    }

    private func situation(_ advice: Advice, _ text: inout Line) {
        let call: StaticString =
            if case .bindPool = advice.subject { "bind" } else { "connect" }
        if advice.failed > 0 {
            text.append(grouped: advice.failed)
            text.append(" ")
            text.append(call)
            text.append(advice.failed == 1 ? " failed; " : "s failed; ")
        } else {
            text.append("no ")
            text.append(call)
            text.append(" failed, but ")
        }
        text.append(advice.peak, of: advice.usable, "usable ports were held at the peak")
        if let demand = advice.demand, let ports = demand.ports, ports > advice.usable {
            text.append(", and ")
            text.append(rate: demand.rate)
            text.append(" connections a second take ")
            text.append(grouped: ports)
            if advice.failed == 0 { text.append(" in the long run") }
        }
    }

    // MARK: Layout

    /// What `write` appends, on lines of `width` columns; the first begins at `indent`.
    private func paragraph(_ line: inout Line, _ write: (inout Line) -> Void) {
        var text = Line()
        write(&text)
        var column = Self.indent
        for word in text.bytes.split(separator: UInt8(ascii: " ")) {
            let columns = word.count { $0 & 0xc0 != 0x80 }
            if column > Self.indent {
                if column + 1 + columns > Self.width {
                    line.append("\n")
                    for _ in 0..<Self.indent { line.append(" ") }
                    column = Self.indent
                } else {
                    line.append(" ")
                    column += 1
                }
            }
            for byte in word { line.append(byte: byte) }
            column += columns
        }
        line.append("\n")
    }
}
