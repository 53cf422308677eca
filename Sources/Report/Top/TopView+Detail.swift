import Events
import PortModel

extension TopView {
    /// A process of an expanded row: what it called, and what it holds, if that is known.
    private typealias Detail = (share: Callers.Share, occupancy: Ledger.HeldPorts?)

    private static let processLimit = 16

    /// Lines of an expanded row: its own, two about itself, the heading, and the processes.
    func height(of row: TopRow, _ listing: Listing) -> Int {
        expanded.contains(row.scope) ? 4 + details(of: row, listing).count : 1
    }

    private func details(of row: TopRow, _ listing: Listing) -> ArraySlice<Detail> {
        var details: [ProcessID: Detail] = [:]
        for share in listing.processes(of: row)?.leading ?? [] {
            details[share.process] = (share, nil)
        }
        for (process, occupancy) in row.scope.tuple.flatMap({ occupants[$0] }) ?? [:] {
            let nothing = Callers.Share(process: process, opened: 0, failed: 0)
            details[process, default: (nothing, nil)].occupancy = occupancy
        }
        let sorted = details.values.sorted {
            let (a, b) = ($0.occupancy?.held ?? 0, $1.occupancy?.held ?? 0)
            return (a, $0.share.opened + $0.share.failed, $1.share.process.pid)
                > (b, $1.share.opened + $1.share.failed, $0.share.process.pid)
        }
        return sorted.prefix(Self.processLimit)
    }

    func detail(_ row: TopRow, _ listing: Listing, _ canvas: inout TopCanvas, until end: Int) {
        func indented(_ write: (inout TopCanvas) -> Void) {
            guard canvas.rows < end else { return }
            canvas.row { canvas in
                canvas.put(repeated: " ", 4)
                write(&canvas)
            }
        }
        indented { $0.put(usage(row)) }
        indented { $0.put(outlook(row, listing)) }
        indented { $0.put("   HELD TIME_WAIT  OPENED  FAILED PROCESS", .faint) }
        for detail in details(of: row, listing) { indented { process(detail, &$0) } }
    }

    private func usage(_ row: TopRow) -> TextBuffer {
        let usage = row.usage
        var text: TextBuffer = "\(grouped: usage.available) of \(grouped: usage.usable) left; "
        text += "held \(grouped: usage.held)"
        guard case .tuple = row.scope else {
            text += " of those that bind() chooses from"
            return text
        }
        text += ": \(grouped: usage.held - usage.timeWait) in use, "
        text += "\(grouped: usage.timeWait) in TIME_WAIT"
        if usage.reusable > 0 { text += " (\(grouped: usage.reusable) reusable)" }
        return text
    }

    private func outlook(_ row: TopRow, _ listing: Listing) -> TextBuffer {
        switch row.scope {
        case .bindPool(let key): return "peak \(grouped: listing.ledger.bindPools[key]?.peak ?? 0)"
        case .tuple(let tuple):
            let state = listing.ledger.tuples[row.number]
            guard state.tuple == tuple else { return "gone" }
            var text: TextBuffer = "peak \(grouped: state.peak.held), ports \(state.range)"
            if row.failedPerSecond > 0 { text += ", \(rate: row.failedPerSecond) fail/s" }
            let forecast: TextBuffer = row.forecast.map { "\($0)" } ?? ""
            if !forecast.isEmpty { text += "; \(forecast)" }
            return text
        }
    }

    private func process(_ detail: Detail, _ canvas: inout TopCanvas) {
        let (share, held) = detail
        canvas.put(.right, 7, held.map { "\(compact: $0.held)" } ?? "-")
        canvas.put(.right, 9, held.map { "\(compact: $0.timeWait)" } ?? "-")
        canvas.put(.right, 7, "\(compact: share.opened)")
        canvas.put(.right, 7, "\(compact: share.failed)", share.failed > 0 ? .alarm : .plain)
        let causes = share.causes.sorted {
            ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue)
        }.map { cause, count in TextBuffer("  \(cause.rawValue) \(grouped: count)") }
        let isUnknown = share.process == .unknown
        canvas.put(
            """
            \(share.process)\(if: isUnknown, " (from before the start)")\
            \(joined: causes, by: "")
            """)
    }
}
