import PortModel
import TestSupport
import Testing

@testable import Report

@Suite struct TimeSeriesTests {
    private func point(held: UInt32, timeWait: UInt32 = 0, opened: UInt32 = 0) -> TimeSeries.Point {
        var point = TimeSeries.Point()
        (point.held, point.timeWait, point.opened) = (held, timeWait, opened)
        return point
    }

    @Test func whatIsNotToldStaysAsItWas() {
        var series = TimeSeries()
        series.add(point(held: 5, opened: 5), in: 2, width: 1)
        series.add(point(held: 3), in: 5, width: 1)
        series.carry(to: 7, width: 1)
        #expect(series.first == 2)
        #expect(series.points.map(\.held) == [5, 5, 5, 3, 3])
        #expect(series.points.map(\.opened) == [5, 0, 0, 0, 0])
    }

    @Test func theMostOfTwoSecondsIsKept() {
        var series = TimeSeries()
        for (second, held) in [7, 9, 8, 1].enumerated() {
            series.add(
                point(held: UInt32(held), timeWait: UInt32(second), opened: 1), in: second + 1,
                width: 1)
        }
        series.halve()
        #expect(series.first == 0)
        #expect(series.points.map(\.held) == [7, 9, 1])
        #expect(series.points.map(\.timeWait) == [0, 1, 3])
        #expect(series.points.map(\.opened) == [1, 2, 1])
    }

    /// However often the width doubled on the way, the points are those of the whole taken together.
    @Test(arguments: SeededGenerator.seeds(20)) func asIfDoneAtTheEnd(seed: UInt64) {
        var random = SeededGenerator(state: seed)
        let limit = Int.random(in: 1...9, using: &random)
        var naive: [TimeSeries.Point] = []
        var series = TimeSeries()
        var width = 1
        let begin = Int.random(in: 0...30, using: &random)
        var second = begin
        while second < begin + 200 {
            let new = point(
                held: .random(in: 0...100, using: &random),
                timeWait: .random(in: 0...9, using: &random),
                opened: .random(in: 0...9, using: &random))
            while second / width >= limit {
                width *= 2
                series.halve()
            }
            series.add(new, in: second, width: width)
            while let last = naive.last, begin + naive.count < second {
                naive.append(point(held: last.held, timeWait: last.timeWait))
            }
            naive.append(new)
            second += Int.random(in: 1...12, using: &random)
        }
        #expect(series.first == begin / width && series.points.count <= limit)
        for (offset, point) in series.points.enumerated() {
            let from = (series.first + offset) * width - begin
            let seconds = naive[max(0, from)..<min(naive.count, from + width)]
            #expect(point.held == seconds.map(\.held).max())
            #expect(point.timeWait == seconds.first { $0.held == point.held }?.timeWait)
            #expect(point.opened == seconds.map(\.opened).reduce(0, +))
        }
    }
}
