import Events
import PortModel

/// The lines that frame a command's run, for a person or a CI log. Each ends with a newline.
package enum RunText {
    /// Tuples whose leftovers are reported.
    private static let rows = 3

    // MARK: Before

    /// Says what is still held from before; nothing where nothing is.
    package static func leftovers(_ leftovers: Leftovers, at now: UInt64) -> TextBuffer {
        var text = TextBuffer()
        let rows = leftovers.rows
        for row in rows.prefix(Self.rows) {
            text += "portgauge: \(ports(row)) towards \(peer: row.tuple) "
            text += "from \(row.tuple.local, port: 0)\(free(row.lastFree, at: now))\n"
        }
        if rows.count > Self.rows {
            text += "portgauge: and ports towards \(grouped: rows.count - Self.rows) more\n"
        }
        return text
    }

    private static func ports(_ row: Leftovers.Row) -> TextBuffer {
        if row.timeWait == row.held { return "\(row.held, "port") in TIME_WAIT" }
        guard row.timeWait > 0 else { return "\(row.held, "port") held" }
        return "\(row.held, "port") held, \(grouped: row.timeWait) of them in TIME_WAIT,"
    }

    private static func free(_ last: UInt64?, at now: UInt64) -> TextBuffer {
        last.map { ", the last is free in \(grouped: seconds(until: $0, from: now)) s" } ?? ""
    }

    private static func seconds(until end: UInt64, from now: UInt64) -> Int {
        end > now ? Int(clamping: (end - now + 999_999_999) / 1_000_000_000) : 0
    }

    /// Draws how far the wait for TIME_WAITs to end has come, from 0 to 1; without newline.
    package static func progress(_ leftovers: Leftovers, share: Double, at now: UInt64)
        -> TextBuffer
    {
        let done = Int((min(max(share, 0), 1) * 20).rounded())
        let bar = String(repeating: "#", count: done) + String(repeating: " ", count: 20 - done)
        let left: TextBuffer? = leftovers.lastFree.map {
            ", \(grouped: seconds(until: $0, from: now)) s left"
        }
        return "waiting [\(bar)] \(grouped: leftovers.timeWaits) in TIME_WAIT\(left ?? "")"
    }

    /// Says once what `progress` draws, for output that is no terminal.
    package static func waiting(_ leftovers: Leftovers, limit: Int, at now: UInt64) -> TextBuffer {
        """
        portgauge: waiting up to \(grouped: limit) s for \(leftovers.timeWaits, "port") in \
        TIME_WAIT\(free(leftovers.lastFree, at: now))

        """
    }

    /// Says that the whole host is judged in place of the command.
    package static func host(_ reason: String) -> TextBuffer {
        "portgauge: the whole host is judged, as \(reason)\n"
    }

    // MARK: After

    /// Names processes of the command that live on.
    package static func survivors(_ count: Int, named names: [ProcessID]) -> TextBuffer {
        let shown = names.map { TextBuffer("\($0)") } + (count > names.count ? ["…"] : [])
        return """
            portgauge: \(count, "process", "processes") of it still \
            \(if: count == 1, "runs", else: "run")\(if: !names.isEmpty, ": \(joined: shown)")

            """
    }

    /// Says what has become of it; `ending`: why the command itself has failed, nil if it has not;
    /// `hostInstead`: why it is of the whole host.
    package static func verdict(
        _ verdict: Verdict, ending: String?, _ summary: Summary?, hostInstead: String? = nil
    ) -> TextBuffer {
        let scope: TextBuffer = hostInstead.map { " (of the whole host, as \($0))" } ?? ""
        if ending == nil, verdict.findings.isEmpty {
            return "portgauge: PASS \(summary.map(pass) ?? "")\(scope)\n"
        }
        let findings = verdict.findings.map(text(of:))
        let all = (ending.map { ["\($0)"] } ?? []) + findings
        return "portgauge: FAIL \(joined: all, by: "; ")\(scope)\n"
    }

    /// The wait for a clean start took too long.
    package static func unclean(_ leftovers: Leftovers, after limit: Int) -> TextBuffer {
        let most: TextBuffer = leftovers.rows.first.map { ", most towards \(peer: $0.tuple)" } ?? ""
        return """
            portgauge: FAIL not clean: after \(grouped: limit) s \
            \(leftovers.timeWaits, "port is", "ports are") still in TIME_WAIT\(most); the \
            command was not run

            """
    }

    private static func pass(_ summary: Summary) -> TextBuffer {
        var text: TextBuffer = "\(grouped: summary.totals.opened) connects, "
        text += "\(grouped: summary.portExhaustion.total) failed for want of a port"
        if let fullest = summary.tuples.first {
            text += ", peak \(permille: fullest.peak.usage) of \(fullest.tuple)"
        }
        return text
    }

    private static func text(of finding: Verdict.Finding) -> TextBuffer {
        switch finding {
        case .exhausted(let count, let most):
            "exhausted: \(calls(count, most))\(others(count, most)) found no port"
        case .failure(let count, let most):
            // The others may have failed for another cause.
            """
            failure: \(calls(count, most)) failed\
            \(if: most?.call.cause != nil, ": \(most?.call.cause?.rawValue ?? "")")\
            \(others(count, most))
            """
        case .tupleShare(let percent, let tuple, let usage): "\(used(percent, usage)) of \(tuple)"
        case .poolShare(let percent, let local, let usage):
            "\(used(percent, usage)) of bind \(local, port: 0)"
        case .lost(let count): "inexact: \(grouped: count) records lost"
        case .slipped(let count): "inexact: \(grouped: count) transitions not seen"
        case .drift(let ports): "inexact: a drift of \(ports, "port")"
        case .hook(let loss): "inexact: \(loss)"
        case .unfinished: "inexact: tracing ended before the command"
        }
    }

    /// `96 connects of wrk[123] to 127.0.0.1:8080`
    private static func calls(_ count: Int, _ most: FailedCall.Count?) -> TextBuffer {
        guard let most else { return "\(count, "call")" }
        let call = most.call
        let caller: TextBuffer =
            most.processes > 1
            ? "\(name: call.process) (\(processes: most.processes))" : "\(call.process)"
        return switch call.scope {
        case .tuple(let tuple): "\(most.count, "connect") of \(caller) to \(peer: tuple)"
        case .bindPool(let key):
            "\(most.count, "bind") of \(caller) to \(key.local, port: call.localPort)"
        }
    }

    private static func others(_ count: Int, _ most: FailedCall.Count?) -> TextBuffer {
        let others = count - (most?.count ?? count)
        return "\(if: others > 0, " and \(grouped: others) more")"
    }

    private static func used(_ percent: Int, _ usage: PortUsage) -> TextBuffer {
        """
        \(percent)%: \(grouped: usage.used) of \(grouped: usage.usable) ports \
        (\(permille: usage))
        """
    }
}

extension TextBuffer {
    fileprivate mutating func appendInterpolation(peer tuple: Tuple) {
        self += "\(tuple.remote, port: tuple.remotePort)"
    }

    fileprivate mutating func appendInterpolation(permille usage: PortUsage) {
        self += "\(tenths: Double(usage.permille) / 10) %"
    }
}
