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
        line.append("\n")
        layout.fold(&line, indent: 10) {
            style.begin(.heading, &$0)
            $0.append("  advice  what would have helped, most useful first")
            style.end(&$0)
            $0.append("\n")
        }
        for (index, advice) in all.enumerated() {
            if index == 0 || all[index - 1].scope != advice.scope {
                layout.fold(&line, indent: Self.indent) {
                    $0.append("  ")
                    scope(advice, context, &$0)
                    $0.append("\n")
                }
                paragraph(&line) {
                    $0.append(spaces: Self.indent)
                    situation(advice, &$0)
                }
            }
            paragraph(&line) {
                $0.append(index < 9 ? "  " : " ")
                $0.append(index + 1)
                $0.append(". ")
                text(advice, context, &$0)
            }
            // A command stays whole, to be copied.
            guard let setting = advice.setting else { continue }
            line.append("       ")
            line.append(setting)
            line.append("\n")
        }
    }

    /// Which tuple or bind pool it is about, and whose.
    func scope(_ advice: Advice, _ context: RenderContext, _ line: inout TextBuffer) {
        switch advice.scope {
        case .tuple(let tuple):
            line.append(tuple, context)
        case .bindPool(let key):
            line.append("bind() to ")
            line.append(key.local)
            line.append(", port 0")
        }
        line.append(namespace: advice.netns, context)
        if advice.process != .unknown {
            line.append("  ")
            line.append(advice.process)
        }
    }

    /// What it lacked.
    func situation(_ advice: Advice, _ text: inout TextBuffer) {
        let call: StaticString =
            if case .bindPool = advice.scope { "bind" } else { "connect" }
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

    private func paragraph(_ line: inout TextBuffer, _ write: (inout TextBuffer) -> Void) {
        let start = line.bytes.count
        write(&line)
        line.append("\n")
        line.fold(since: start, width: layout.prose, indent: Self.indent)
    }
}
