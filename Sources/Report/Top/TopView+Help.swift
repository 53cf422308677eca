import Events

extension TopView {
    func help(_ canvas: inout TopCanvas, until end: Int) {
        for (keys, meaning) in Self.keys {
            guard canvas.rows < end else { return }
            canvas.row { canvas in
                canvas.put(.left, 16, "\(keys)", .heading)
                canvas.put("\(meaning)")
            }
        }
        guard canvas.rows < end else { return }
        canvas.row { canvas in
            canvas.put(.left, 16, "\(glyphs.inUse)\(glyphs.inTimeWait)\(glyphs.free)")
            canvas.put("of the usable ports: in use, in TIME_WAIT, left")
        }
    }

    private static let keys: [(StaticString, StaticString)] = [
        (
            "s n t r e f a",
            "sort by share, number held, TIME_WAIT, rate, time left, failed, address"
        ), ("< > i", "sort by the one before or behind; in reverse"),
        ("/", "show only what contains some words: address, port, process, namespace"),
        ("arrows j k", "select; also PgUp, PgDn, Home, End, g, G"),
        ("Enter x", "expand into the processes that hold the ports, or close again"),
        ("space p", "pause: counting goes on"),
        ("Esc", "drop the filter; then the selection, and close all"),
        ("q Ctrl-C", "end, with a summary"), ("Ctrl-Z", "stop, also counting, until fg"),
    ]
}
