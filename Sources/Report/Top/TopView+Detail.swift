import PortModel

extension TopView {
    /// A process of an expanded row.
    struct Detail {
        var process: ProcessID
        var occupancy: Ledger.HeldPorts?
        var opened = 0
        var failed = 0
        var causes: [Cause: Int] = [:]
    }

    private static let processLimit = 16

    /// Lines of an expanded row: its own, two about itself, the heading, and the processes.
    func height(of row: TopRow, _ listing: Listing) -> Int {
        expanded.contains(row.scope) ? 4 + details(of: row, listing).count : 1
    }

    private func details(of row: TopRow, _ listing: Listing) -> ArraySlice<Detail> {
        var details: [ProcessID: Detail] = [:]
        if case .tuple(let tuple) = row.scope {
            for (process, occupancy) in listing.occupants[tuple] ?? [:] {
                details[process] = Detail(process: process, occupancy: occupancy)
            }
        }
        for share in listing.processes(of: row)?.shares ?? [] {
            var detail = details[share.process] ?? Detail(process: share.process)
            (detail.opened, detail.failed, detail.causes) = (
                share.opened, share.failed, share.causes
            )
            details[share.process] = detail
        }
        let sorted = details.values.sorted {
            let (a, b) = ($0.occupancy?.held ?? 0, $1.occupancy?.held ?? 0)
            return (a, $0.opened + $0.failed, $1.process.pid)
                > (b, $1.opened + $1.failed, $0.process.pid)
        }
        return sorted.prefix(Self.processLimit)
    }

    func detail(
        _ row: TopRow, _ listing: Listing, _ context: RenderContext,
        _ canvas: inout TopCanvas, until end: Int
    ) {
        func indented(_ write: (inout TopCanvas) -> Void) {
            guard canvas.rows < end else { return }
            canvas.row { canvas in
                canvas.put(repeated: " ", 4)
                write(&canvas)
            }
        }
        indented { $0.put { usage(row, &$0) } }
        indented { $0.put { outlook(row, listing, &$0) } }
        indented {
            $0.put(.faint) { $0.append("   HELD TIME_WAIT  OPENED  FAILED PROCESS") }
        }
        for detail in details(of: row, listing) { indented { process(detail, &$0) } }
    }

    private func usage(_ row: TopRow, _ line: inout TextBuffer) {
        let usage = row.usage
        line.append(grouped: usage.available)
        line.append(" of ")
        line.append(grouped: usage.usable)
        line.append(" left; held ")
        line.append(grouped: usage.held)
        guard case .tuple = row.scope else {
            line.append(" of those that bind() chooses from")
            return
        }
        line.append(": ")
        line.append(grouped: usage.held - usage.timeWait)
        line.append(" in use, ")
        line.append(grouped: usage.timeWait)
        line.append(" in TIME_WAIT")
        if usage.reusable > 0 {
            line.append(" (")
            line.append(grouped: usage.reusable)
            line.append(" reusable)")
        }
    }

    private func outlook(_ row: TopRow, _ listing: Listing, _ line: inout TextBuffer) {
        switch row.scope {
        case .bindPool(let key):
            line.append("peak ")
            line.append(grouped: listing.ledger.bindPools[key]?.peak ?? 0)
        case .tuple(let tuple):
            let account = listing.ledger.tuples[row.number]
            guard account.tuple == tuple else { return line.append("gone") }
            line.append("peak ")
            line.append(grouped: account.peak.held)
            line.append(", ports ")
            line.append(account.range)
            if row.failedPerSecond > 0 {
                line.append(", ")
                line.append(rate: row.failedPerSecond)
                line.append(" fail/s")
            }
            guard let forecast = row.forecast else { return }
            var text = TextBuffer()
            text.append(forecast)
            guard !text.bytes.isEmpty else { return }
            line.append("; ")
            line.append(text)
        }
    }

    private func process(_ detail: Detail, _ canvas: inout TopCanvas) {
        canvas.put(.right, width: 7) { line in
            guard let held = detail.occupancy?.held else { return line.append("-") }
            line.append(compact: held)
        }
        canvas.put(.right, width: 9) { line in
            guard let waiting = detail.occupancy?.timeWait else { return line.append("-") }
            line.append(compact: waiting)
        }
        canvas.put(.right, width: 7) { $0.append(compact: detail.opened) }
        canvas.put(.right, width: 7, detail.failed > 0 ? .alarm : .plain) {
            $0.append(compact: detail.failed)
        }
        canvas.put {
            $0.append(detail.process)
            if detail.process == .unknown { $0.append(" (from before the start)") }
            let causes = detail.causes.sorted {
                ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue)
            }
            for (cause, count) in causes {
                $0.append("  ")
                $0.append(cause.rawValue)
                $0.append(" ")
                $0.append(grouped: count)
            }
        }
    }
}
