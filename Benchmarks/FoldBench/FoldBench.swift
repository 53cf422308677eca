import AllocationCounter
import BenchSupport
import Glibc
import LinuxSystem

/// Measures how fast records are folded and told, and what that allocates.
@main
struct FoldBench {
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

        let forms = Replay.Form.all
        var seconds = forms.map { _ in [Double]() }
        var allocations = forms.map { _ in 0.0 }
        for round in 0..<rounds {
            for turn in forms.indices {
                let index = (turn + round) % forms.count
                let before = Clock.processorTime
                let allocated = allocation_count()
                try replay(stream, forms[index], stories)
                allocations[index] = Double(allocation_count() - allocated)
                seconds[index].append(Double(Clock.processorTime - before) / 1e9)
            }
        }
        print(
            "".left(14), "records/s".right(12), "ns/record".right(10), "ns/connection".right(14),
            "allocations per 100,000 records".right(33))
        for (form, (times, allocated)) in zip(forms, zip(seconds, allocations)) {
            let time = median(times) ?? .infinity
            let count = Double(records)
            print(
                form.name.left(14), (count / time).text(digits: 0).right(12),
                (time / count * 1e9).text(digits: 0).right(10),
                (time / Double(connections) * 1e9).text(digits: 0).right(14),
                (allocated / count * 100_000).text(digits: 1).right(33))
        }
        for (form, allocated) in zip(forms, allocations) {
            printFigure(
                "allocations/" + form.name, allocated / Double(records) * 100_000, digits: 1)
        }
    }

    /// Goes from an empty ledger to the end of the stream.
    private static func replay(
        _ stream: RecordStream, _ form: Replay.Form, _ stories: [Story]
    ) throws {
        var replay = try Replay(form)
        var drain = stream.times[0] + drainInterval
        var second = stream.times[0] + Stories.second
        // SAFETY: each record ends where the stream says, which is within its bytes.
        try unsafe stream.bytes.withUnsafeBytes { bytes in
            var start = 0
            for (end, time) in zip(stream.ends, stream.times) {
                while time >= drain {
                    let isSecond = drain >= second
                    try replay.settle(at: drain, isSecond: isSecond)
                    if isSecond { second += Stories.second }
                    drain += drainInterval
                }
                unsafe replay.take(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                start = end
            }
        }
        try replay.settle(at: drain + Stories.second, isSecond: true)
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
