import PortModel

extension TopView {
    /// Writes the whole screen: what a terminal of that size shows after it has read it.
    ///
    /// - Parameter ledger: not read while the view is paused.
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
            rows(listing, context, &canvas, until: size.rows - footer)
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
        let picture = picture
        canvas.row { canvas in
            canvas.put(.heading) { $0.append("portgauge top") }
            canvas.put {
                $0.append("  ")
                $0.append(clock: picture.elapsed)
                $0.append("  ")
                $0.append(grouped: picture.totals.tuples)
                $0.append(picture.totals.tuples == 1 ? " tuple" : " tuples")
            }
            if isPaused { canvas.put(.warning) { $0.append("  PAUSED") } }
            canvas.put {
                $0.append("  by ")
                $0.append(order.name)
                if isReversed { $0.append(", reversed") }
                guard !filter.isEmpty, filterBefore == nil else { return }
                $0.append("  /")
                $0.append(filter[...])
                $0.append(": ")
                $0.append(grouped: shown)
                $0.append(shown == 1 ? " match" : " matches")
            }
        }
    }

    private func totals(_ canvas: inout TopCanvas) {
        let totals = picture.totals
        canvas.row { canvas in
            canvas.put {
                $0.append("ports ")
                $0.append(grouped: totals.held)
                $0.append(" held")
                if totals.held > 0 {
                    $0.append(", ")
                    $0.append(tenths: Double(totals.timeWait) * 100 / Double(totals.held))
                    $0.append(" % in TIME_WAIT")
                }
                $0.append("  opened ")
                $0.append(pace: totals.opened)
                $0.append("/s  ")
            }
            canvas.put(totals.failedPerSecond > 0 ? .alarm : .plain) {
                $0.append("failed ")
                $0.append(grouped: totals.failed)
                guard totals.failedPerSecond > 0 else { return }
                $0.append(", ")
                $0.append(rate: totals.failedPerSecond)
                $0.append("/s")
            }
        }
    }

    private func accuracy(_ canvas: inout TopCanvas) {
        let accuracy = picture.accuracy
        canvas.row { canvas in
            canvas.put(accuracy.isComplete && accuracy.lastDrift == 0 ? .faint : .warning) {
                $0.append("accuracy: lost ")
                $0.append(grouped: Int(clamping: accuracy.lost))
                $0.append("  slipped ")
                $0.append(grouped: Int(clamping: accuracy.slipped))
                $0.append("  audits ")
                $0.append(grouped: accuracy.audits)
                guard accuracy.audits > 0 else { return }
                $0.append(", drift ")
                $0.append(grouped: accuracy.lastDrift)
                $0.append(" (largest ")
                $0.append(grouped: accuracy.largestDrift)
                $0.append(")")
            }
        }
    }

    private func foot(_ canvas: inout TopCanvas) {
        canvas.row { canvas in
            if filterBefore != nil {
                canvas.put(.heading) { $0.append("/") }
                canvas.put { $0.append(filter[...]) }
                canvas.put { $0.append("_  ") }
                canvas.put(.faint) {
                    $0.append("address, port or process; Enter keeps, Esc drops it")
                }
            } else if isHelpShown {
                canvas.put(.faint) { $0.append("any key: back to the list") }
            } else {
                canvas.put(.faint) {
                    $0.append("? help  q quit  / filter  space ")
                    $0.append(isPaused ? "go on" : "pause" as StaticString)
                    $0.append("  < > sort  ")
                    $0.append(glyphs.upDown)
                    $0.append(" select  Enter expand")
                }
            }
        }
    }

    // MARK: The list

    private func heading(_ columns: TopColumns, _ canvas: inout TopCanvas) {
        func title(
            _ side: TopCanvas.Side, _ width: Int, _ text: StaticString, _ order: TopOrder?,
            _ canvas: inout TopCanvas
        ) {
            canvas.put(side, width: width, order == self.order ? .heading : .faint) {
                $0.append(text)
            }
        }
        canvas.row { canvas in
            canvas.put(repeated: " ", 1)
            title(.right, columns.share, "USED", .share, &canvas)
            title(.left, columns.bar, "", nil, &canvas)
            title(.right, columns.held, "HELD", .held, &canvas)
            title(.right, columns.usable, "USABLE", nil, &canvas)
            title(.right, columns.timeWait, "TW%", .timeWait, &canvas)
            title(
                .left, columns.spark, columns.spark < 24 ? "TREND" : "TREND, BY THE SECOND", nil,
                &canvas)
            title(.right, columns.rate, "OPEN/s", .rate, &canvas)
            title(.right, columns.exhaustion, "FULL IN", .exhaustion, &canvas)
            title(.right, columns.failed, "FAILED", .failed, &canvas)
            title(.left, columns.tuple, "TUPLE", .address, &canvas)
            title(.left, columns.process, "TOP PROCESS", nil, &canvas)
        }
    }

    private mutating func rows(
        _ listing: Listing, _ context: RenderContext, _ canvas: inout TopCanvas,
        until end: Int
    ) {
        if listing.ranked.isEmpty, canvas.rows < end {
            canvas.row { canvas in
                canvas.put(.faint) {
                    $0.append(
                        filter.isEmpty
                            ? " no port is held by an outgoing connection" : " nothing matches")
                }
            }
        }
        for ranked in listing.ranked[listing.window] {
            guard canvas.rows < end else { return }
            let row = picture.rows[Int(ranked.row)]
            self.row(row, listing, context, &canvas)
            guard expanded.contains(row.scope) else { continue }
            detail(row, listing, context, &canvas, until: end)
        }
    }

    private func row(
        _ row: TopRow, _ listing: Listing, _ context: RenderContext,
        _ canvas: inout TopCanvas
    ) {
        let isSelected = selection.scope == row.scope
        let columns = listing.columns
        let tone = tone(of: row)
        canvas.row(selected: isSelected) { canvas in
            canvas.put { $0.append(isSelected ? glyphs.selected : " ") }
            canvas.put(.right, width: columns.share, tone) { $0.append(compactShare: row.share) }
            bar(row, columns.bar, tone, &canvas)
            canvas.put(.right, width: columns.held) { $0.append(compact: row.usage.held) }
            canvas.put(.right, width: columns.usable) { $0.append(compact: row.usage.usable) }
            canvas.put(.right, width: columns.timeWait) {
                $0.append(Int((row.waiting * 100).rounded(.down)))
            }
            spark(row, columns.spark, tone, &canvas)
            canvas.put(.right, width: columns.rate) {
                guard let opened = row.opened else { return $0.append("-") }
                $0.append(pace: min(opened, 999_999))
            }
            canvas.put(.right, width: columns.exhaustion, row.exhaustedIn == nil ? .plain : tone) {
                guard let seconds = row.exhaustedIn else { return $0.append("-") }
                if seconds == 0 { $0.append("full") } else { $0.append(roughly: seconds) }
            }
            canvas.put(.right, width: columns.failed, row.failed > 0 ? .alarm : .plain) {
                $0.append(compact: row.failed)
            }
            canvas.put(.left, width: columns.tuple, keepsEnd: true) {
                $0.append(row.scope, glyphs, context)
            }
            canvas.put(.left, width: columns.process) {
                if let top = listing.processes(of: row)?.top { $0.append(top) }
            }
        }
    }

    /// By how full it is, as alerts are.
    private func tone(of row: TopRow) -> Style.Tone {
        let percent = row.share * 100
        if percent >= Double(alarm) { return .alarm }
        return percent >= Double(warning) ? .warning : .plain
    }

    private func bar(
        _ row: TopRow, _ width: Int, _ tone: Style.Tone, _ canvas: inout TopCanvas
    ) {
        guard width > 0 else { return }
        let (inUse, inTimeWait) = TopGlyphs.bar(
            share: row.share, waiting: row.waiting, width: width)
        canvas.put(tone, repeated: glyphs.inUse, inUse)
        canvas.put(tone, repeated: glyphs.inTimeWait, inTimeWait)
        canvas.put(.faint, repeated: glyphs.free, width - inUse - inTimeWait)
        canvas.put(repeated: " ", 1)
    }

    private func spark(
        _ row: TopRow, _ width: Int, _ tone: Style.Tone, _ canvas: inout TopCanvas
    ) {
        guard width > 0 else { return }
        canvas.put(.left, width: width, tone) { line in
            let levels = picture.history(of: row, last: width)
            for _ in levels.count..<max(width, levels.count) { line.append(" ") }
            for level in levels { line.append(glyphs.spark(level)) }
        }
    }
}

extension TextBuffer {
    /// `0:01:23`
    mutating func append(clock nanoseconds: UInt64) {
        let seconds = Int(nanoseconds / 1_000_000_000)
        append(seconds / 3600)
        append(":")
        append(seconds / 60 % 60, width: 2)
        append(":")
        append(seconds % 60, width: 2)
    }

    /// In six columns, rounded down: only what is full says 100.
    mutating func append(compactShare share: Double) {
        let permille = share.isFinite ? min(9999, Int(share * 1000)) : 1000
        append(permille / 10)
        append(".")
        append(permille % 10)
        append("%")
    }

    /// In seven columns, as exact as they allow.
    mutating func append(compact number: Int) {
        switch number {
        case ..<1_000_000: append(grouped: number)
        case ..<1_000_000_000:
            append(grouped: number / 1000)
            append("k")
        default:
            append(grouped: min(number / 1_000_000, 999_999))
            append("M")
        }
    }

    /// `10.0.0.1 → 10.0.0.9:80`, or `bind 10.0.0.1`; what matters most comes last, as the beginning is
    /// cut off where there is no room.
    mutating func append(
        _ scope: PortScope, _ glyphs: TopGlyphs, _ context: RenderContext
    ) {
        let netns =
            switch scope {
            case .tuple(let tuple): tuple.netns
            case .bindPool(let key): key.netns
            }
        if netns != context.ownNamespace {
            append(nameOf: netns, context)
            append(": ")
        }
        switch scope {
        case .tuple(let tuple):
            append(tuple.local, port: 0)
            append(glyphs.arrow)
            append(tuple.remote, port: tuple.remotePort)
        case .bindPool(let key):
            append("bind ")
            append(key.local, port: 0)
        }
    }

    /// A rate; nothing at all is 0 and not 0.0.
    mutating func append(pace: Double) {
        if pace > 0 { append(rate: pace) } else { append("0") }
    }
}
