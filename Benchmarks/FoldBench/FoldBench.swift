import AllocationCounter
import BenchSupport
import Glibc
import Probe
import Report

/// Measures how fast records are folded and told, and what that allocates.
@main
struct FoldBench {
    private struct Kind {
        let level: EventChoice.Level
        let json: Bool
        var name: String { level.rawValue + (json ? "/json" : "") }
    }

    private static let kinds = [
        Kind(level: .failures, json: false), Kind(level: .notable, json: false),
        Kind(level: .all, json: false), Kind(level: .all, json: true),
    ]
    private static let connections = 80_000
    private static let rounds = 9
    /// Of the records' time: how often the ring is read.
    private static let drainInterval: UInt64 = 20_000_000

    static func main() throws {
        let stories = Stories(count: connections).all
        let stream = RecordStream(stories)
        let records = stream.ends.count
        print(
            "\(connections) connections, \(records) records of",
            "\((stream.times[records - 1] - stream.times[0]) / Stories.second) s")

        var seconds = kinds.map { _ in [Double]() }
        var allocations = kinds.map { _ in 0.0 }
        for round in 0..<rounds {
            for turn in kinds.indices {
                let index = (turn + round) % kinds.count
                let before = Clock.processorTime
                let allocated = allocation_count()
                try replay(stream, kinds[index], stories)
                allocations[index] = Double(allocation_count() - allocated)
                seconds[index].append(Double(Clock.processorTime - before) / 1e9)
            }
        }
        print(
            "".left(14), "records/s".right(12), "ns/record".right(10), "ns/connection".right(14),
            "allocations per 100,000 records".right(33))
        for (kind, (times, allocated)) in zip(kinds, zip(seconds, allocations)) {
            let time = median(times) ?? .infinity
            let count = Double(records)
            print(
                kind.name.left(14), (count / time).text(digits: 0).right(12),
                (time / count * 1e9).text(digits: 0).right(10),
                (time / Double(connections) * 1e9).text(digits: 0).right(14),
                (allocated / count * 100_000).text(digits: 1).right(33))
        }
        for (kind, allocated) in zip(kinds, allocations) {
            printFigure(
                "allocations/" + kind.name, allocated / Double(records) * 100_000, digits: 1)
        }
    }

    /// From an empty ledger to the end of the stream.
    private static func replay(
        _ stream: RecordStream, _ kind: Kind, _ stories: [Story]
    ) throws {
        var replay = try Replay(kind.level, json: kind.json)
        var drain = stream.times[0] + drainInterval
        var second = stream.times[0] + Stories.second
        try unsafe stream.bytes.withUnsafeBytes { bytes in
            var start = 0
            for (end, time) in zip(stream.ends, stream.times) {
                while time >= drain {
                    try replay.settle(now: drain)
                    if drain >= second {
                        try replay.secondPassed(at: drain)
                        second += Stories.second
                    }
                    drain += drainInterval
                }
                try unsafe replay.take(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
        try replay.settle(now: drain + Stories.second)
        // A stream that is not understood would be folded very fast.
        let failed = stories.count { $0.ending == .failed }
        guard replay.malformed == 0, replay.held == 0, replay.failed == failed else {
            print(
                "\(replay.malformed) records malformed, \(replay.held) ports held at the end,",
                "\(replay.failed) of \(failed) failures seen")
            exit(1)
        }
    }
}
