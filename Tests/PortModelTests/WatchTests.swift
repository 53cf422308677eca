import PortModel
import Testing

@Suite struct WatchTests {
    private func change(held: Int, usable: Int = 100, account: Int = 0) -> Change {
        Change(
            kind: .established, time: 1, account: account, tuple: Script.tuple, localPort: 1,
            process: Script.process, held: held, usable: usable)
    }

    @Test func eachThresholdOnceUntilRecovered() {
        var watch = Watch()
        var told: [[Int]] = []
        for held in Array(0...100) + Array((0..<100).reversed()) + Array(0...60) {
            if let alert = watch.observe(change(held: held)) { told.append([alert.level, held]) }
        }
        #expect(told == [[50, 50], [66, 66], [90, 90], [0, 44], [50, 50]])
    }

    @Test func hoveringAtAThresholdIsToldOnce() {
        var watch = Watch()
        let told = [50, 49, 50, 49, 50, 46, 50].compactMap { watch.observe(change(held: $0)) }
        #expect(told.map(\.level) == [50])
    }

    @Test func aJumpOverSeveralTellsTheHighest() {
        var watch = Watch()
        #expect(watch.observe(change(held: 2, usable: 2))?.level == 90)
    }

    @Test func tuplesAreApart() {
        var watch = Watch(thresholds: [10])
        #expect(watch.observe(change(held: 10, account: 3))?.level == 10)
        #expect(watch.observe(change(held: 10, account: 1))?.level == 10)
        #expect(watch.observe(change(held: 11, account: 3)) == nil)
    }

    @Test func nothingUsableIsNoThreshold() {
        var watch = Watch()
        #expect(watch.observe(change(held: 0, usable: 0)) == nil)
    }
}

@Suite struct FailureLogTests {
    private func failure(_ pid: UInt32, at time: UInt64, account: Int = 0) -> Change {
        Change(
            kind: .failed(.noPort, search: 5), time: time, account: account, tuple: Script.tuple,
            localPort: 0, process: Process(pid: pid, name: Process.Name("x")), held: 8, usable: 8)
    }

    @Test func theFirstAtOnceThenACountASecond() {
        var log = FailureLog()
        #expect(log.add(failure(1, at: 1))?.count == 1)
        #expect(log.add(failure(1, at: 2)) == nil)
        #expect(log.add(failure(1, at: 3)) == nil)
        #expect(log.add(failure(2, at: 4))?.count == 1)
        #expect(log.add(failure(1, at: 5, account: 1))?.count == 1)
        #expect(log.takeTick().map { [Int($0.change.process.pid), $0.count] } == [[1, 2]])
        #expect(log.add(failure(1, at: 6)) == nil)
        #expect(log.takeTick().map(\.count) == [1])
        #expect(log.takeTick().isEmpty)
        #expect(log.add(failure(1, at: 7))?.count == 1)
    }
}
