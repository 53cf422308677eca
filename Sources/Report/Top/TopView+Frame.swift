import Events
import PortModel

extension TopView {
    /// Writes the whole screen for a terminal of that size; `ledger` is not read while paused.
    package mutating func draw(
        _ size: Size, _ ledger: Ledger, in context: RenderContext, to line: inout TextBuffer
    ) {
        let size = Size(columns: max(1, size.columns), rows: max(1, size.rows))
        line.clear()
        let listing = list(size, ledger, context)
        var canvas = TopCanvas(line, size, style, cut: glyphs.cut)
        if size.rows >= 3 { title(listing.ranked.count, &canvas) }
        if size.rows >= 6 { totals(&canvas) }
        if size.rows >= 7 { accuracy(&canvas) }
        if size.rows >= 12 { canvas.row { _ in } }
        let footer = hasFooter(size) ? 1 : 0
        if isHelpShown {
            help(&canvas, until: size.rows - footer)
        } else {
            if size.rows >= 4 { heading(listing.columns, &canvas) }
            rows(listing, &canvas, until: size.rows - footer)
        }
        while canvas.rows < size.rows - footer { canvas.row { _ in } }
        if footer > 0 { foot(&canvas) }
        line = canvas.line
    }

    private func hasFooter(_ size: Size) -> Bool {
        size.rows >= 8 || filterBefore != nil && size.rows > 1
    }

    /// Lines for the list.
    func listHeight(_ size: Size) -> Int {
        let above = [3, 4, 6, 7, 12].count { size.rows >= $0 }
        return max(1, size.rows - above - (hasFooter(size) ? 1 : 0))
    }

    // MARK: The head

    private func title(_ shown: Int, _ canvas: inout TopCanvas) {
        canvas.row { canvas in
            canvas.put("portgauge top", .heading)
            canvas.put("  \(clock: picture.elapsed)  \(picture.totals.tuples, "tuple")")
            if isPaused { canvas.put("  PAUSED", .warning) }
            canvas.put("  by \(order.rawValue)\(if: isReversed, ", reversed")")
            if !filter.isEmpty, filterBefore == nil {
                canvas.put("  /\(TextBuffer(filter)): \(shown, "match", "matches")")
            }
        }
    }

    private func totals(_ canvas: inout TopCanvas) {
        let totals = picture.totals
        canvas.row { canvas in
            canvas.put("ports \(grouped: totals.held) held")
            if totals.held > 0 {
                canvas.put(", \(percent: totals.timeWait, of: totals.held) in TIME_WAIT")
            }
            canvas.put("  opened \(pace: totals.opened)/s  ")
            let isFailing = totals.failedPerSecond > 0
            let rate: TextBuffer = isFailing ? ", \(rate: totals.failedPerSecond)/s" : ""
            canvas.put("failed \(grouped: totals.failed)\(rate)", isFailing ? .alarm : .plain)
        }
    }

    private func accuracy(_ canvas: inout TopCanvas) {
        let accuracy = picture.accuracy
        var text: TextBuffer = "accuracy: lost \(grouped: accuracy.lost)  "
        text += "slipped \(grouped: accuracy.slipped)  audits \(grouped: accuracy.audits)"
        if accuracy.audits > 0 {
            text += ", drift \(grouped: accuracy.lastDrift) "
            text += "(largest \(grouped: accuracy.largestDrift))"
        }
        let isExact = accuracy.isComplete && accuracy.lastDrift == 0
        canvas.row { $0.put(text, isExact ? .faint : .warning) }
    }

    private func foot(_ canvas: inout TopCanvas) {
        canvas.row { canvas in
            if filterBefore != nil {
                canvas.put("/", .heading)
                canvas.put("\(TextBuffer(filter))_  ")
                canvas.put("address, port or process; Enter keeps, Esc drops it", .faint)
            } else if isHelpShown {
                canvas.put("any key: back to the list", .faint)
            } else {
                canvas.put(
                    """
                    ? help  q quit  / filter  space \(if: isPaused, "go on", else: "pause")  \
                    < > sort  \(glyphs.upDown) select  Enter expand
                    """, .faint)
            }
        }
    }

    // MARK: The list

    private func heading(_ columns: TopColumns, _ canvas: inout TopCanvas) {
        let trend: TextBuffer = columns.spark < 24 ? "TREND" : "TREND, BY THE SECOND"
        let titles: [(TopCanvas.Side, Int, TextBuffer, TopOrder?)] = [
            (.right, columns.share, "USED", .share), (.left, columns.bar, "", nil),
            (.right, columns.held, "HELD", .held), (.right, columns.usable, "USABLE", nil),
            (.right, columns.timeWait, "TW%", .timeWait), (.left, columns.spark, trend, nil),
            (.right, columns.rate, "OPEN/s", .rate),
            (.right, columns.exhaustion, "FULL IN", .exhaustion),
            (.right, columns.failed, "FAILED", .failed), (.left, columns.tuple, "TUPLE", .address),
            (.left, columns.process, "TOP PROCESS", nil),
        ]
        canvas.row { canvas in
            canvas.put(repeated: " ", 1)
            for (side, width, title, order) in titles {
                canvas.put(side, width, title, order == self.order ? .heading : .faint)
            }
        }
    }

    private func rows(_ listing: Listing, _ canvas: inout TopCanvas, until end: Int) {
        if listing.ranked.isEmpty, canvas.rows < end {
            let text: TextBuffer =
                filter.isEmpty ? " no port is held by an outgoing connection" : " nothing matches"
            canvas.row { $0.put(text, .faint) }
        }
        for ranked in listing.ranked[listing.window] {
            guard canvas.rows < end else { return }
            let row = picture.rows[Int(ranked.row)]
            self.row(row, listing, &canvas)
            if expanded.contains(row.scope) { detail(row, listing, &canvas, until: end) }
        }
    }

    private func row(_ row: TopRow, _ listing: Listing, _ canvas: inout TopCanvas) {
        let isSelected = selection.scope == row.scope
        let columns = listing.columns
        let tone = tone(of: row)
        let usage = row.usage
        let timeLeft: TextBuffer? = row.exhaustedIn.map { $0 == 0 ? "full" : "\(roughly: $0)" }
        let top = listing.processes(of: row)?.top
        canvas.row(selected: isSelected) { canvas in
            canvas.put(isSelected ? "\(glyphs.selected)" : " ")
            canvas.put(.right, columns.share, "\(compactShare: row.share)", tone)
            bar(row, columns.bar, tone, &canvas)
            canvas.put(.right, columns.held, "\(compact: usage.held)")
            canvas.put(.right, columns.usable, "\(compact: usage.usable)")
            canvas.put(.right, columns.timeWait, "\(Int((row.waiting * 100).rounded(.down)))")
            spark(row, columns.spark, tone, &canvas)
            canvas.put(.right, columns.rate, row.opened.map { "\(pace: min($0, 999_999))" } ?? "-")
            canvas.put(.right, columns.exhaustion, timeLeft ?? "-", timeLeft == nil ? .plain : tone)
            canvas.put(
                .right, columns.failed, "\(compact: row.failed)", row.failed > 0 ? .alarm : .plain)
            canvas.put(
                .left, columns.tuple, "\(row.scope, glyphs, listing.context)", keepsEnd: true)
            canvas.put(.left, columns.process, top.map { "\($0)" } ?? "")
        }
    }

    /// By how full it is, as alerts are.
    private func tone(of row: TopRow) -> Style.Tone {
        let percent = row.share * 100
        if percent >= Double(alarm) { return .alarm }
        return percent >= Double(warning) ? .warning : .plain
    }

    private func bar(_ row: TopRow, _ width: Int, _ tone: Style.Tone, _ canvas: inout TopCanvas) {
        guard width > 0 else { return }
        let (inUse, inTimeWait) = TopGlyphs.bar(
            share: row.share, waiting: row.waiting, width: width)
        canvas.put(repeated: glyphs.inUse, inUse, tone)
        canvas.put(repeated: glyphs.inTimeWait, inTimeWait, tone)
        canvas.put(repeated: glyphs.free, width - inUse - inTimeWait, .faint)
        canvas.put(repeated: " ", 1)
    }

    private func spark(_ row: TopRow, _ width: Int, _ tone: Style.Tone, _ canvas: inout TopCanvas) {
        let levels = picture.history(of: row, last: width)
        let marks = levels.map { TextBuffer("\(glyphs.spark($0))") }
        canvas.put(.left, width, "\(spaces: width - levels.count)\(joined: marks, by: "")", tone)
    }

    // MARK: Help

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
