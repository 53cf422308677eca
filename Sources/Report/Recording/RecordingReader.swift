import Events
import PortModel

/// Why something is no recording that a report can be made from.
package enum RecordingProblem: Error, Hashable, Sendable {
    case empty
    /// It does not begin with the start of a trace.
    case foreign
    /// A later version wrote it.
    case newer(version: String)
    /// There are more in a row than a report has room for.
    case tooMany
}

/// Reads recordings, one or several in a row, part by part as they come, into what reports are made from.
/// Its space is bounded, whatever they hold; what cannot be read is passed over and counted.
package struct RecordingReader: Sendable {
    private let limits: RunCollector.Limits
    private let lineLimit: Int
    private var done: [RunReport] = []
    /// Of the recording that is being read; nil before its start.
    private var collector: RunCollector?
    private var start = Event.Start(version: "", kernel: "", hooks: [])
    private var ownNamespace: UInt32?
    private var reading = RunReport.Reading()
    private var events = JSONReader()

    /// The beginning of a line whose end has not come.
    private var rest: [UInt8] = []
    /// The line that is under way is too long to be kept.
    private var isPassingOver = false
    private var sawAnything = false

    /// - Parameter lineLimit: longer lines, in bytes, are passed over.
    package init(limits: RunCollector.Limits = RunCollector.Limits(), lineLimit: Int = 64 << 20) {
        (self.limits, self.lineLimit) = (limits, lineLimit)
    }

    // MARK: Lines

    /// Reads on: the first `count` of `bytes`.
    package mutating func take(_ bytes: [UInt8], count: Int) throws(RecordingProblem) {
        if count > 0 { sawAnything = true }
        var start = 0
        while start < count {
            let end = Self.newline(in: bytes.span, from: start, to: count)
            guard end < count else { break }
            if isPassingOver {
                isPassingOver = false
                reading.unreadable += 1
            } else if rest.isEmpty {
                try take(line: bytes, start..<end)
            } else {
                rest.append(contentsOf: bytes[start..<end])
                try takeRest()
            }
            start = end + 1
        }
        try keep(bytes[min(start, count)..<count])
    }

    private static func newline(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var place = start
        while place < end, bytes[place] != UInt8(ascii: "\n") { place += 1 }
        return place
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) throws(RecordingProblem) {
        guard !isPassingOver else { return }
        if rest.count + bytes.count > lineLimit {
            guard collector != nil else { throw .foreign }
            isPassingOver = true
            rest = []
        } else {
            rest.append(contentsOf: bytes)
        }
    }

    private mutating func takeRest() throws(RecordingProblem) {
        var line: [UInt8] = []
        swap(&line, &rest)
        try take(line: line, 0..<line.count)
        line.removeAll(keepingCapacity: line.capacity < 1 << 20)
        swap(&line, &rest)
    }

    /// What has been read: a report for each recording.
    package mutating func finish() throws(RecordingProblem) -> [RunReport] {
        if isPassingOver {
            reading.isTruncated = true
        } else if !rest.isEmpty {
            let before = reading
            try takeRest()
            // Its newline may be all that is missing. Else it was cut off, and is no garbage.
            if reading != before {
                reading = before
                reading.isTruncated = true
            }
        }
        endRun()
        if done.isEmpty { throw sawAnything ? .foreign : .empty }
        return done
    }

    private mutating func endRun() {
        guard let collector else { return }
        done.append(collector.report(in: context, reading))
        self.collector = nil
    }

    private var context: RenderContext {
        let names = events.errorNames
        var context = RenderContext(
            timestamps: Timestamps(realtimeOffset: 0, localOffset: start.localOffset),
            namespaceNames: events.namespaceNames, ownNamespace: ownNamespace,
            errnoName: { names[UInt32(bitPattern: $0)] ?? "errno \($0)" })
        context.deviceNames = events.deviceNames
        return context
    }

    // MARK: Events

    /// Reads one line: `range` of `bytes`, without the newline.
    package mutating func take(line bytes: [UInt8], _ range: Range<Int>) throws(RecordingProblem) {
        if collector != nil, ConnectionLine.isOne(bytes.span, range) { return }
        switch events.read(bytes[range]) {
        case .newer(let version): throw .newer(version: version)
        case .event(.start(let start), let time): try begin(start, at: time)
        case _ where collector == nil: throw .foreign
        case .event(.snapshot, _), .unknown: reading.unknown += 1
        case .unreadable: reading.unreadable += 1
        case .event(let event, let time):
            meetNamespaces(of: event)
            collector?.take(event, at: time)
        }
    }

    private mutating func begin(_ start: Event.Start, at time: UInt64) throws(RecordingProblem) {
        endRun()
        guard done.count < limits.runs else { throw .tooMany }
        self.start = start
        ownNamespace = nil
        reading = RunReport.Reading()
        events.forgetNames()
        var collector = RunCollector(limits: limits)
        collector.take(.start(start), at: time)
        self.collector = collector
    }

    private mutating func meetNamespaces(of event: Event) {
        let met: [Summary.NamespaceRow] =
            switch event {
            case .namespace(let news): [news.settings]
            case .summary(let summary), .progress(let summary): summary.namespaces
            default: []
            }
        for row in met where row.inode == start.ownInode { ownNamespace = row.netns }
    }
}

/// Lines about single connections, of which a recording mostly consists, and which no report needs.
private enum ConnectionLine {
    private static let beginnings = ["open", "established", "close", "release"].map {
        Array("{\"event\":\"\($0)\",\"time\":\"".utf8)
    }

    /// By its first bytes and the last one.
    static func isOne(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let mark = 10
        guard range.count > 40, text[range.upperBound - 1] == UInt8(ascii: "}") else {
            return false
        }
        for beginning in beginnings where beginning[mark] == text[range.lowerBound + mark] {
            for place in beginning.indices
            where beginning[place] != text[range.lowerBound + place] { return false }
            return true
        }
        return false
    }
}
