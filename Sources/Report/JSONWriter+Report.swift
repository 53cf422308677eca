import PortModel

extension JSONWriter {
    /// One object with all that the recordings say, a host each.
    func write(_ runs: [RunReport], _ line: inout TextBuffer) {
        line.append("{\"event\":\"report\"")
        line.field("format", Event.Start.currentFormat)
        line.array("hosts", runs) { write($0, &$1) }
        line.append("}\n")
    }

    private func write(_ run: RunReport, _ line: inout TextBuffer) {
        let context = run.context
        line.append("{")
        switch run.ending {
        case .complete: line.field("ending", "complete", first: true)
        case .summaryAt(let time):
            line.field("ending", "summary_before", first: true)
            line.field("summary_at", time, context)
        case .ticksOnly: line.field("ending", "ticks_only", first: true)
        }
        line.field("ended_at", run.endedAt, context)
        line.field("truncated", run.reading.isTruncated)
        line.field("unreadable", run.reading.unreadable)
        line.field("unknown", run.reading.unknown)
        if let start = run.start {
            line.name("start")
            line.append("{")
            head("start", run.startedAt, context, &line)
            write(start, &line)
            line.append("}")
        }
        line.name("summary")
        line.append("{")
        head("summary", run.endedAt, context, &line)
        write(run.summary, context, &line)
        line.append("}")
        line.field("seconds_per_point", run.secondsPerPoint)
        line.name("totals")
        line.append("{")
        write(run.totals, &line)
        line.append("}")
        line.array("series", run.series) { series, line in
            switch series.scope {
            case .tuple(let tuple): beginTuple(tuple, context, &line)
            case .bindPool(let key): beginPool(key, context, &line)
            }
            line.append(",")
            write(series.series, &line)
            line.append("}")
        }
        line.field("series_omitted", run.seriesOmitted)
        line.array("moments", run.moments) { write($0, context, &$1) }
        line.field("moments_omitted", run.momentsOmitted)
        line.append("}")
    }

    private func write(_ series: TimeSeries, _ line: inout TextBuffer) {
        line.name("first", first: true)
        line.append(series.first)
        line.array("held", series.points) { $1.append(Int($0.held)) }
        line.array("time_wait", series.points) { $1.append(Int($0.timeWait)) }
        line.array("usable", series.points) { $1.append(Int($0.usable)) }
        line.array("opened", series.points) { $1.append(Int($0.opened)) }
        line.array("closed", series.points) { $1.append(Int($0.closed)) }
        line.array("failed", series.points) { $1.append(Int($0.failed)) }
        line.array("search_us", series.points) { $1.append(Int($0.search)) }
    }

    private func write(_ moment: Moment, _ context: RenderContext, _ line: inout TextBuffer) {
        line.append("{\"kind\":\"")
        line.append(moment.kind.name)
        line.append("\"")
        line.field("time", moment.time, context)
        switch moment.kind {
        case .alert(let scope, let level, let usage, let exhaustedIn):
            write(scope, context, &line)
            line.field("level", level)
            line.field("held", usage.held)
            line.field("usable", usage.usable)
            line.field("available", usage.available)
            if let exhaustedIn { line.field("exhausted_in_s", tenths: exhaustedIn) }
        case .firstFailure(let call):
            line.field("call", call.kind.rawValue)
            line.field("cause", call.causeName)
            write(call.scope, context, &line)
            write(call.process, &line)
        case .lost(let count): line.field("count", count)
        case .drift(let netns, let ports):
            line.field("netns", name(of: netns, context))
            line.field("ports", ports)
        case .namespace(let netns, let kind):
            line.field("netns", name(of: netns, context))
            line.field("state", kind.rawValue)
        }
        line.append("}")
    }
}

extension Moment.Kind {
    /// Stable.
    fileprivate var name: StaticString {
        switch self {
        case .alert: "alert"
        case .firstFailure: "first_failure"
        case .lost: "lost"
        case .drift: "drift"
        case .namespace: "namespace"
        }
    }
}
